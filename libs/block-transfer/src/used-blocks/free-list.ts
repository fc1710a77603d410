import type { ByteRange } from '#libs/contracts';
import { DIGEST_BLOCK_BYTES } from '../digests/block-digest.js';
import { PackedRanges } from '../extents/packed-ranges.js';

/**
 * The longest list of free extents that a file system, and a disk, may have. A round holds a few copies of the disk's,
 * of some 80 bytes per extent; without a bound, a TiB of single free blocks would be 10^8 of them.
 */
export const MAX_FREE_EXTENTS = 65_536;

/**
 * Gathers free extents in any order, and keeps their number bounded: when there are too many, small ones are given up,
 * and so count as used. That is always safe, as used bytes are sent and digested as they are. First given up is what holds
 * no whole block of the disk (its block is read anyway), then the smallest ones.
 */
export class FreeList implements Iterable<ByteRange> {
  readonly #kept = new PackedRanges();
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

  /** @param offsetBytes from the beginning of the file system */
  add(offsetBytes: number, lengthBytes: number): void {
    const start = this.startBytes + offsetBytes;
    if (start !== this.#end) {
      this.#keepLast();
      this.#start = start;
    }
    this.#end = start + lengthBytes;
  }

  /** Ranges that count from the beginning of the file system, too. */
  addAll(ranges: Iterable<ByteRange>): void {
    for (const { offsetBytes, lengthBytes } of ranges) this.add(offsetBytes, lengthBytes);
  }

  /** All of them, in bytes of the disk: in order, none touching another. */
  *[Symbol.iterator](): Generator<ByteRange> {
    this.#keepLast();
    this.#start = this.#end;
    this.#shorten();
    for (let index = 0; index < this.#kept.count; index += 1) {
      const offsetBytes = this.#kept.startOf(index);
      yield { offsetBytes, lengthBytes: this.#kept.endOf(index) - offsetBytes };
    }
  }

  #keepLast(): void {
    if (this.#end - this.#start < Math.max(this.#leastBytes, 1)) return;
    const kept = this.#leastBytes === 0 ? ([this.#start, this.#end] as const) : this.#coarse(this.#start, this.#end);
    if (kept === null) return;
    this.#kept.add(...kept);
    // Twice as many as may stay: they may still turn out to be neighbours.
    if (this.#kept.count >= this.maxExtents * 2) this.#shorten();
  }

  #shorten(): void {
    this.#kept.merge();
    if (this.#kept.count <= this.maxExtents) return;
    this.#leastBytes = Math.max(this.#leastBytes, DIGEST_BLOCK_BYTES);
    this.#kept.replace((start, end) => this.#coarse(start, end));
    if (this.#kept.count <= this.maxExtents) return;
    // Half of the room is made free, so that a long list is not gone through again and again.
    const most = Math.floor(this.maxExtents / 2);
    const lengths = this.#kept.lengths().sort();
    this.#leastBytes = lengths[lengths.length - most] ?? this.#leastBytes;
    let left = most - (lengths.length - 1 - lengths.lastIndexOf(this.#leastBytes));
    this.#kept.replace((start, end) => {
      if (end - start > this.#leastBytes) return [start, end];
      return end - start === this.#leastBytes && left-- > 0 ? [start, end] : null;
    });
  }

  /** Whole blocks of the disk; null when these are too few. */
  #coarse(from: number, to: number): readonly [start: number, end: number] | null {
    const start = Math.ceil(from / DIGEST_BLOCK_BYTES) * DIGEST_BLOCK_BYTES;
    const end = Math.floor(to / DIGEST_BLOCK_BYTES) * DIGEST_BLOCK_BYTES;
    return end - start >= this.#leastBytes ? [start, end] : null;
  }
}
