import type { ByteRange } from '#libs/contracts';
import { DIGEST_BLOCK_BYTES } from '../digests/block-digest.js';
import { endOf } from '../extents/byte-extents.js';
import { blockSpan } from './block-plan.js';

/** What can be asked of a set of blocks. */
export interface Blocks {
  has(index: number): boolean;
}

/** A set of blocks of one disk, a bit each: 2 MiB per TiB of disk. */
export class BlockSet implements Blocks {
  private readonly bits: Uint8Array;
  private bytes = 0;

  constructor(readonly diskBytes: number) {
    this.bits = new Uint8Array(Math.ceil(Math.ceil(diskBytes / DIGEST_BLOCK_BYTES) / 8));
  }

  /** Bytes of all blocks in the set. */
  get totalBytes(): number {
    return this.bytes;
  }

  has(index: number): boolean {
    return ((this.bits[index >>> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }

  /** Adds every block that has bytes of the range. */
  addRange(range: ByteRange): void {
    const { first, end } = blockSpan(range);
    for (let index = first; index < end; index += 1) this.add(index);
  }

  add(index: number): void {
    if (this.has(index)) return;
    this.bits[index >>> 3] = (this.bits[index >>> 3] ?? 0) | (1 << (index & 7));
    this.bytes += this.blockBytes(index);
  }

  /** Removes every block that has bytes of the range. */
  removeRange(range: ByteRange): void {
    const { first, end } = blockSpan(range);
    for (let index = first; index < end; index += 1) this.remove(index);
  }

  remove(index: number): void {
    if (!this.has(index)) return;
    this.bits[index >>> 3] = (this.bits[index >>> 3] ?? 0) & ~(1 << (index & 7));
    this.bytes -= this.blockBytes(index);
  }

  clear(): void {
    this.bits.fill(0);
    this.bytes = 0;
  }

  /** Adds every block of the disk. */
  addAll(): void {
    this.bits.fill(0xff);
    const beyond = this.bits.length * 8 - Math.ceil(this.diskBytes / DIGEST_BLOCK_BYTES);
    this.bits[this.bits.length - 1] = 0xff >>> beyond;
    this.bytes = this.diskBytes;
  }

  /** Adds the blocks of another set of the same disk, but not those that are in `except`. */
  addFrom(other: BlockSet, except?: BlockSet): void {
    for (let place = 0; place < other.bits.length; place += 1) {
      const bits = other.bits[place] ?? 0;
      if (bits === 0) continue;
      const mine = this.bits[place] ?? 0;
      const fresh = bits & ~(except?.bits[place] ?? 0) & ~mine;
      this.bits[place] = mine | fresh;
      this.bytes += this.bytesOf(place, fresh);
    }
  }

  /** Removes the blocks of another set of the same disk. */
  removeFrom(other: BlockSet): void {
    for (let place = 0; place < other.bits.length; place += 1) {
      const bits = other.bits[place] ?? 0;
      if (bits === 0) continue;
      const mine = this.bits[place] ?? 0;
      this.bits[place] = mine & ~bits;
      this.bytes -= this.bytesOf(place, mine & bits);
    }
  }

  /** The blocks of the set, in order; of those that have bytes of a range, where one is given. */
  *indices(within?: ByteRange): Generator<number> {
    const { first, end } = within === undefined ? { first: 0, end: this.bits.length * 8 } : blockSpan(within);
    for (let place = first >>> 3; place * 8 < end; place += 1) {
      const bits = this.bits[place] ?? 0;
      if (bits === 0) continue;
      for (let bit = 0; bit < 8; bit += 1) {
        const index = place * 8 + bit;
        if ((bits & (1 << bit)) !== 0 && index >= first && index < end) yield index;
      }
    }
  }

  /**
   * The blocks of the set as extents, in order; of those that have bytes of a range, where one is given. There may be as
   * many as half of the disk's blocks.
   */
  *ranges(within?: ByteRange): Generator<ByteRange> {
    let open: { offsetBytes: number; lengthBytes: number } | null = null;
    for (const index of this.indices(within)) {
      const offsetBytes = index * DIGEST_BLOCK_BYTES;
      if (open !== null && endOf(open) === offsetBytes) {
        open.lengthBytes += this.blockBytes(index);
        continue;
      }
      if (open !== null) yield open;
      open = { offsetBytes, lengthBytes: this.blockBytes(index) };
    }
    if (open !== null) yield open;
  }

  /** The blocks of the set as a list of extents. */
  extents(): ByteRange[] {
    return [...this.ranges()];
  }

  /** What a range of whole blocks has beside the set: a list of extents, in whole blocks. */
  missingIn(range: ByteRange): ByteRange[] {
    const runs: ByteRange[] = [];
    let open: { offsetBytes: number; lengthBytes: number } | null = null;
    const { first, end } = blockSpan(range);
    for (let index = first; index < end; index += 1) {
      if (this.has(index)) open = null;
      else if (open !== null) open.lengthBytes += this.blockBytes(index);
      else runs.push((open = { offsetBytes: index * DIGEST_BLOCK_BYTES, lengthBytes: this.blockBytes(index) }));
    }
    return runs;
  }

  /** Of the blocks that these bits stand for. */
  private bytesOf(place: number, bits: number): number {
    let bytes = 0;
    for (let rest = bits; rest !== 0; rest &= rest - 1)
      bytes += this.blockBytes(place * 8 + 31 - Math.clz32(rest & -rest));
    return bytes;
  }

  private blockBytes(index: number): number {
    return Math.min(DIGEST_BLOCK_BYTES, this.diskBytes - index * DIGEST_BLOCK_BYTES);
  }
}
