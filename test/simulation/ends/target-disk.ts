import type { Random } from '../world/random.js';
import { type Content, type Contents } from './contents.js';

/** No source ever wrote this. */
const DAMAGE: Content = 2 ** 31 - 1;

/** A disk of the target VM: what was flushed stays, what was not may be anything that was ever written there since. */
export class TargetDisk {
  readonly #durable: Contents;
  /** Writes since the last flush, in order. */
  readonly #unflushed = new Map<number, Content[]>();

  constructor(
    readonly diskId: string,
    readonly blocks: number,
    contents: Contents = new Int32Array(blocks),
  ) {
    this.#durable = contents;
  }

  write(block: number, content: Content): void {
    const writes = this.#unflushed.get(block);
    if (writes === undefined) this.#unflushed.set(block, [content]);
    else writes.push(content);
  }

  /** Everything that was written by now is durable. */
  flush(): void {
    for (const [block, writes] of this.#unflushed) this.#durable[block] = writes.at(-1)!;
    this.#unflushed.clear();
  }

  read(block: number): Content {
    return this.#unflushed.get(block)?.at(-1) ?? this.#durable[block]!;
  }

  /** As it would be read now. */
  contents(): Contents {
    return this.#durable.map((_content, block) => this.read(block));
  }

  durableContent(block: number): Content {
    return this.#durable[block]!;
  }

  /** The block holds something that nobody has written. */
  damage(block: number): void {
    this.#durable[block] = DAMAGE;
  }

  /** Of the unflushed writes of each block, any may have been the last that reached the platter, or none. */
  losePower(random: Random): void {
    for (const [block, writes] of this.#unflushed) {
      const survivor = random.integer(-1, writes.length - 1);
      if (survivor >= 0) this.#durable[block] = writes[survivor]!;
    }
    this.#unflushed.clear();
  }
}
