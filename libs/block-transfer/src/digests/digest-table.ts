import type { DigestAlgorithm } from '#libs/contracts';
import { DIGEST_BLOCK_BYTES, DIGEST_BYTES } from './block-digest.js';
import { DigestTree } from './digest-tree.js';
import { EventLoopTurns } from './event-loop-turns.js';

/** Words of 32 bits in one entry. All of them zero stands for "not known": no content is known to have that digest. */
const ENTRY_WORDS = DIGEST_BYTES / 4;
/** Entries that go into the tree at once: a millisecond's worth, with either algorithm. */
const ENTRIES_PER_PUSH = 1024;

/**
 * One digest per 64 KiB block of a disk, in one flat array (32 MiB per 64 GiB of disk).
 * An entry may be unknown; an unknown entry equals nothing, so its block is always sent.
 * All entries are of one algorithm; tables of different algorithms have nothing to say to each other.
 */
export class DigestTable {
  readonly blockCount: number;
  /** The same bytes once more: looking for unknown entries goes through millions of them. */
  private readonly words: Uint32Array;

  private constructor(
    readonly diskBytes: number,
    readonly algorithm: DigestAlgorithm,
    private readonly bytes: Uint8Array<ArrayBuffer>,
  ) {
    this.blockCount = bytes.length / DIGEST_BYTES;
    this.words = new Uint32Array(bytes.buffer);
  }

  /** A table in which nothing is known yet. Throws `RangeError` unless `diskBytes` is a positive safe integer. */
  static unknown(diskBytes: number, algorithm: DigestAlgorithm): DigestTable {
    if (!Number.isSafeInteger(diskBytes) || diskBytes <= 0) throw new RangeError(`not a disk size: ${diskBytes}`);
    const bytes = new Uint8Array(Math.ceil(diskBytes / DIGEST_BLOCK_BYTES) * DIGEST_BYTES);
    return new DigestTable(diskBytes, algorithm, bytes);
  }

  /** Bytes of a block: 64 KiB, or less for the disk's last one. */
  blockBytes(index: number): number {
    this.assertIndex(index);
    return Math.min(DIGEST_BLOCK_BYTES, this.diskBytes - index * DIGEST_BLOCK_BYTES);
  }

  isKnown(index: number): boolean {
    this.assertIndex(index);
    for (let word = index * ENTRY_WORDS; word < (index + 1) * ENTRY_WORDS; word += 1) {
      if (this.words[word] !== 0) return true;
    }
    return false;
  }

  /** Known entries from block `first` to the one before `end`, in order. */
  *knownIndices(first = 0, end = this.blockCount): Generator<number> {
    for (let index = first; index < end; index += 1) if (this.isKnown(index)) yield index;
  }

  /** True when no entry at all is known. */
  get knowsNothing(): boolean {
    return this.knownIndices().next().done === true;
  }

  /** The digest, as a view that later changes of the table show in. Throws `RangeError` when it is unknown. */
  get(index: number): Uint8Array {
    if (!this.isKnown(index)) throw new RangeError(`the digest of block ${index} is not known`);
    return this.entry(index);
  }

  /** True when the entry is known and is this digest. */
  matches(index: number, digest: Uint8Array): boolean {
    return this.isKnown(index) && Buffer.compare(this.entry(index), digest) === 0;
  }

  set(index: number, digest: Uint8Array): void {
    if (digest.length !== DIGEST_BYTES) throw new RangeError(`a digest has ${DIGEST_BYTES} bytes: ${digest.length}`);
    this.entry(index).set(digest);
  }

  forget(index: number): void {
    this.entry(index).fill(0);
  }

  /** Takes over every entry of another table of the same disk size and algorithm, unknown ones too. */
  copyFrom(other: DigestTable): void {
    if (!this.isComparableTo(other)) throw new RangeError('tables of different disk sizes or digest algorithms');
    if (other !== this) this.bytes.set(other.bytes);
  }

  /** True when equal entries of both mean equal blocks. */
  isComparableTo({ diskBytes, algorithm }: Pick<DigestTable, 'diskBytes' | 'algorithm'>): boolean {
    return diskBytes === this.diskBytes && algorithm === this.algorithm;
  }

  /**
   * Root of the digest tree ({@link DigestTree}), hexadecimal. Gives way to everything else meanwhile; the table must not
   * change until it resolves. Rejects when an entry is unknown.
   */
  async rootDigest(): Promise<string> {
    const tree = new DigestTree(this.algorithm, this.diskBytes);
    const turns = new EventLoopTurns();
    let index = 0;
    for (const part of this.parts(ENTRIES_PER_PUSH * DIGEST_BYTES)) {
      for (const end = index + part.length / DIGEST_BYTES; index < end; index += 1) {
        if (!this.isKnown(index)) throw new Error(`no root digest: the digest of block ${index} is not known`);
      }
      tree.push(part);
      await turns.giveWay();
    }
    return Buffer.from(tree.root()).toString('hex');
  }

  /**
   * All entries, one behind the other, in parts of at most `partBytes`, which is a multiple of 32. Views, not to be kept:
   * whoever stores or digests a table needs a part of it at a time.
   */
  *parts(partBytes: number): Generator<Uint8Array<ArrayBuffer>> {
    for (let offset = 0; offset < this.bytes.length; offset += partBytes) {
      yield this.bytes.subarray(offset, offset + partBytes);
    }
  }

  /** Lets `read` fill all entries, in such parts. False, with nothing more filled, as soon as it gives false. */
  async fill(partBytes: number, read: (part: Uint8Array, offset: number) => Promise<boolean>): Promise<boolean> {
    for (let offset = 0; offset < this.bytes.length; offset += partBytes) {
      if (!(await read(this.bytes.subarray(offset, offset + partBytes), offset))) return false;
    }
    return true;
  }

  private entry(index: number): Uint8Array {
    this.assertIndex(index);
    return this.bytes.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES);
  }

  private assertIndex(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.blockCount) {
      throw new RangeError(`block ${index} is not one of ${this.blockCount}`);
    }
  }
}
