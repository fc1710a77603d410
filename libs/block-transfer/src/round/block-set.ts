import type { ByteRange } from '#libs/contracts';
import { DIGEST_BLOCK_BYTES } from '../digests/block-digest.js';
import { blockSpan } from './block-plan.js';

/** A set of blocks of one disk, a bit each: 2 MiB per TiB of disk. */
export class BlockSet {
  private readonly bits: Uint8Array;
  private bytes = 0;

  constructor(private readonly diskBytes: number) {
    this.bits = new Uint8Array(Math.ceil(Math.ceil(diskBytes / DIGEST_BLOCK_BYTES) / 8));
  }

  /** Bytes of all blocks in the set. */
  get totalBytes(): number {
    return this.bytes;
  }

  has(index: number): boolean {
    return ((this.bits[index >>> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }

  /** Adds the blocks of a range of whole blocks. */
  addRange(range: ByteRange): void {
    const { first, end } = blockSpan(range);
    for (let index = first; index < end; index += 1) this.add(index);
  }

  add(index: number): void {
    if (this.has(index)) return;
    this.bits[index >>> 3] = (this.bits[index >>> 3] ?? 0) | (1 << (index & 7));
    this.bytes += this.blockBytes(index);
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

  /** The blocks of the set, in order. */
  *indices(): Generator<number> {
    for (const [place, bits] of this.bits.entries()) {
      if (bits === 0) continue;
      for (let bit = 0; bit < 8; bit += 1) if ((bits & (1 << bit)) !== 0) yield place * 8 + bit;
    }
  }

  /** The blocks of the set as a list of extents. */
  extents(): ByteRange[] {
    return this.runs({ offsetBytes: 0, lengthBytes: this.diskBytes }, true);
  }

  /** What a range of whole blocks has beside the set: a list of extents, in whole blocks. */
  missingIn(range: ByteRange): ByteRange[] {
    return this.runs(range, false);
  }

  private runs(range: ByteRange, wanted: boolean): ByteRange[] {
    const runs: ByteRange[] = [];
    let open: { offsetBytes: number; lengthBytes: number } | null = null;
    const { first, end } = blockSpan(range);
    for (let index = first; index < end; index += 1) {
      if (this.has(index) !== wanted) open = null;
      else if (open !== null) open.lengthBytes += this.blockBytes(index);
      else runs.push((open = { offsetBytes: index * DIGEST_BLOCK_BYTES, lengthBytes: this.blockBytes(index) }));
    }
    return runs;
  }

  private blockBytes(index: number): number {
    return Math.min(DIGEST_BLOCK_BYTES, this.diskBytes - index * DIGEST_BLOCK_BYTES);
  }
}
