import type { ByteRange } from '#libs/contracts';
import { DIGEST_BLOCK_BYTES } from '../digests/block-digest.js';
import { endOf } from '../extents/byte-extents.js';

/**
 * The longest list of free extents that one file system may have. An extent takes about 80 bytes, and a round holds a
 * few copies of the list; without a bound, a TiB of single free blocks would be 10^8 of them.
 */
export const MAX_FREE_EXTENTS = 65_536;

/**
 * Gathers the free extents of a file system, in ascending order, and keeps their number bounded: when there are too
 * many, small ones are given up, and so count as used. That is always safe, as used bytes are sent and digested as
 * they are. First given up is what is smaller than a block (its block is read anyway), then two blocks, and so on.
 */
export class FreeList {
  #kept: ByteRange[] = [];
  /** The extent that may still grow, in bytes of the disk. Plain numbers: there may be 10^8 of them, one after the other. */
  #start = 0;
  #end = 0;
  /** What is shorter is used; 0: everything is kept as it is, later only whole blocks of the disk are. */
  #leastBytes = 0;

  /** @param startBytes where the file system begins on its disk */
  constructor(
    private readonly startBytes: number,
    private readonly maxExtents: number = MAX_FREE_EXTENTS,
  ) {}

  /** @param offsetBytes from the beginning of the file system. Throws `RangeError` when it lies before what was added. */
  add(offsetBytes: number, lengthBytes: number): void {
    const start = this.startBytes + offsetBytes;
    if (start < this.#end) throw new RangeError(`free extent at ${offsetBytes} is out of order`);
    if (start > this.#end) {
      this.#keepLast();
      this.#start = start;
    }
    this.#end = start + lengthBytes;
  }

  /** All of them, in bytes of the disk. */
  extents(): ByteRange[] {
    this.#keepLast();
    this.#start = this.#end;
    return this.#kept;
  }

  #keepLast(): void {
    const lengthBytes = this.#end - this.#start;
    if (lengthBytes === 0 || lengthBytes < this.#leastBytes) return;
    const kept = this.#coarse({ offsetBytes: this.#start, lengthBytes });
    if (kept === null) return;
    this.#kept.push(kept);
    if (this.#kept.length <= this.maxExtents) return;
    // Half of the room is made free, so that a long list is not gone through again and again.
    while (this.#kept.length > this.maxExtents / 2) {
      this.#leastBytes = Math.max(this.#leastBytes * 2, DIGEST_BLOCK_BYTES);
      this.#kept = this.#kept.flatMap((one) => this.#coarse(one) ?? []);
    }
  }

  #coarse(extent: ByteRange): ByteRange | null {
    if (this.#leastBytes === 0) return extent;
    const start = Math.ceil(extent.offsetBytes / DIGEST_BLOCK_BYTES) * DIGEST_BLOCK_BYTES;
    const end = Math.floor(endOf(extent) / DIGEST_BLOCK_BYTES) * DIGEST_BLOCK_BYTES;
    return end - start >= this.#leastBytes ? { offsetBytes: start, lengthBytes: end - start } : null;
  }
}
