import type { Lifetime } from '../world/lifetime.js';
import { type Content, type Contents, UNKNOWN } from './contents.js';

/** An fsync of the source's disk. */
const SYNC_MS = 3;

/**
 * What the target's disk is known to hold, kept on the source's disk in a table and a journal. An entry is forgotten
 * there before its block is overwritten on the target, and known again only once the target has flushed; so a table
 * that is found after a crash is never wrong, it only knows less.
 */
export class DigestTable {
  /** As it is in the memory of the process. */
  readonly #known: Contents;

  constructor(
    private readonly kept: Contents,
    private readonly life: Lifetime,
  ) {
    this.#known = kept.slice();
  }

  isKnown(block: number): boolean {
    return this.#known[block] !== UNKNOWN;
  }

  matches(block: number, content: Content): boolean {
    return this.#known[block] === content;
  }

  /** Resolves once the entries are forgotten durably; nothing is to be done for entries that are unknown already. */
  async forget(blocks: readonly number[]): Promise<void> {
    const known = blocks.filter((block) => this.isKnown(block));
    if (known.length === 0) return;
    for (const block of known) this.#known[block] = UNKNOWN;
    await this.life.sleep(SYNC_MS);
    for (const block of known) this.kept[block] = UNKNOWN;
  }

  /** @param entries what is durable on the target; it need not be kept at once */
  learn(entries: readonly { readonly block: number; readonly content: Content }[]): void {
    for (const { block, content } of entries) this.#known[block] = content;
    this.life.after(SYNC_MS, () => {
      for (const { block, content } of entries) {
        // Forgotten again meanwhile: the journal keeps the order of things.
        if (this.#known[block] === content) this.kept[block] = content;
      }
    });
  }

  contents(): Contents {
    return this.#known.slice();
  }
}
