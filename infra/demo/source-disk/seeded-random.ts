import { createCipheriv, createHash } from 'node:crypto';

/** Numbers in [0, 1), always the same ones for the same seed. */
export type RandomNumbers = () => number;

/**
 * A small counter-based generator: each number is a mix of the next counter value. Good enough to vary sizes
 * and to choose files, not for secrets.
 */
export function randomNumbers(seed: string): RandomNumbers {
  let counter = createHash('sha256').update(seed).digest().readUInt32LE(0);
  return () => {
    counter = (counter + 0x9e3779b9) >>> 0;
    let mixed = counter ^ (counter >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    mixed ^= mixed >>> 15;
    return (mixed >>> 0) / 2 ** 32;
  };
}

/** @returns a new array with the same items in another order */
export function shuffled<Item>(items: readonly Item[], random: RandomNumbers): Item[] {
  return items
    .map((item) => ({ item, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}

/** Content that does not compress and never repeats: a cipher's key stream. */
export type RandomContent = (lengthBytes: number) => Buffer;

export function randomContent(seed: string): RandomContent {
  const key = createHash('sha256').update(seed).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  return (lengthBytes) => cipher.update(Buffer.alloc(lengthBytes));
}

/** A UUID that depends on nothing but the seed. */
export function seededUuid(seed: string): string {
  const hex = createHash('sha256').update(seed).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}
