import { createHash, timingSafeEqual } from 'node:crypto';

/** One who may ask. Only the key's digest is kept: whoever reads the file cannot ask with it. */
export interface ApiKeyEntry {
  /** Becomes the actor `operator:<name>` of every command. */
  readonly name: string;
  /** SHA-256 of the key, hexadecimal, lower case. */
  readonly sha256: string;
}

const digestOf = (key: string): Buffer => createHash('sha256').update(key, 'utf8').digest();

/** What stands for a key in the file of keys. A key has to be random and long (32 bytes), as this digest has no salt. */
export const apiKeyEntry = (name: string, key: string): ApiKeyEntry => ({
  name,
  sha256: digestOf(key).toString('hex'),
});

/** The keys that open the gateway. */
export class ApiKeys {
  readonly #known: readonly { readonly name: string; readonly digest: Buffer }[];

  constructor(entries: readonly ApiKeyEntry[]) {
    this.#known = entries.map(({ name, sha256 }) => ({ name, digest: Buffer.from(sha256, 'hex') }));
  }

  /** @returns whose key it is, or null; takes as long for a wrong key as for a right one */
  nameOf(key: string): string | null {
    const digest = digestOf(key);
    let found: string | null = null;
    for (const known of this.#known) {
      if (timingSafeEqual(known.digest, digest)) found = known.name;
    }
    return found;
  }
}
