import type { DigestAlgorithm } from '#libs/contracts';
import { DIGEST_BLOCK_BYTES, DIGEST_BYTES } from './block-digest.js';
import { DigestPages, type PageBounds } from './digest-pages.js';
import { DigestTree } from './digest-tree.js';
import { EventLoopTurns } from './event-loop-turns.js';
import type { TableFiles } from './table-files.js';

/** Words of 32 bits in one entry. All of them zero stands for "not known": no content is known to have that digest. */
const ENTRY_WORDS = DIGEST_BYTES / 4;
/** Entries that go into the tree at once: a millisecond's worth, with either algorithm. */
const ENTRIES_PER_PUSH = 1024;

/** Blocks of a disk; the last one may be shorter than the others. */
export const blocksOfDisk = (diskBytes: number): number => Math.ceil(diskBytes / DIGEST_BLOCK_BYTES);

/**
 * One digest per 64 KiB block of a disk (32 MiB per 64 GiB of disk). An entry may be unknown; an unknown entry equals
 * nothing, so its block is always sent. All entries are of one algorithm; tables of different algorithms have nothing to
 * say to each other.
 *
 * Entries are looked up without a promise, wherever they are: of a table that a `DigestTableFile` gives, a bounded part
 * is in memory, and any method may throw an EndpointFailure (`DIGEST_TABLE_FAILED`) when the rest cannot be read or
 * written. Such a table is closed when it is not needed any more.
 */
export class DigestTable {
  readonly blockCount: number;
  /** The digest at the end of the stored file that holds this very table; null: no file is known to. @internal */
  storedAs: Buffer | null = null;
  /** The same bytes once more: looking for unknown entries goes through millions of them. */
  private readonly words: Uint32Array;

  private constructor(
    readonly diskBytes: number,
    readonly algorithm: DigestAlgorithm,
    /** @internal */
    readonly pages: DigestPages,
    private knownCount: number,
  ) {
    this.blockCount = pages.entryCount;
    const { buffer, byteOffset, length } = pages.memory;
    this.words = new Uint32Array(buffer, byteOffset, length / 4);
  }

  /** A table in which nothing is known yet, in memory. Throws `RangeError` unless `diskBytes` is a positive safe integer. */
  static unknown(diskBytes: number, algorithm: DigestAlgorithm): DigestTable {
    if (!Number.isSafeInteger(diskBytes) || diskBytes <= 0) throw new RangeError(`not a disk size: ${diskBytes}`);
    return new DigestTable(diskBytes, algorithm, new DigestPages(blocksOfDisk(diskBytes), null, null), 0);
  }

  /** A table whose pages are in these files, its own from now on; so many of its entries are known. @internal */
  static paged(
    { diskBytes, algorithm }: Pick<DigestTable, 'diskBytes' | 'algorithm'>,
    bounds: PageBounds,
    files: TableFiles,
    knownCount: number,
  ): DigestTable {
    return new DigestTable(diskBytes, algorithm, new DigestPages(blocksOfDisk(diskBytes), bounds, files), knownCount);
  }

  /** Bytes of a block: 64 KiB, or less for the disk's last one. */
  blockBytes(index: number): number {
    this.assertIndex(index);
    return Math.min(DIGEST_BLOCK_BYTES, this.diskBytes - index * DIGEST_BLOCK_BYTES);
  }

  isKnown(index: number): boolean {
    this.assertIndex(index);
    return isEntryKnown(this.words, this.pages.slotOf(index));
  }

  /** Known entries from block `first` to the one before `end`, in order. */
  *knownIndices(first = 0, end = this.blockCount): Generator<number> {
    for (let index = first; index < end;) {
      const pageEnd = Math.min(this.pages.endOfPage(index), end);
      if (this.pages.isBlank(index)) index = pageEnd;
      for (; index < pageEnd; index += 1) if (this.isKnown(index)) yield index;
    }
  }

  /** True when no entry at all is known. */
  get knowsNothing(): boolean {
    return this.knownCount === 0;
  }

  /** The digest, a copy. Throws `RangeError` when it is unknown. */
  get(index: number): Uint8Array {
    if (!this.isKnown(index)) throw new RangeError(`the digest of block ${index} is not known`);
    const start = this.pages.slotOf(index) * DIGEST_BYTES;
    return Uint8Array.prototype.slice.call(this.pages.memory, start, start + DIGEST_BYTES);
  }

  /** True when the entry is known and is this digest. */
  matches(index: number, digest: Uint8Array): boolean {
    if (!this.isKnown(index)) return false;
    const start = this.pages.slotOf(index) * DIGEST_BYTES;
    const { memory } = this.pages;
    // Byte by byte: a call of `compare` costs more than it compares, and sweeps over free space do nothing else.
    for (let at = 0; at < DIGEST_BYTES; at += 1) if (memory[start + at] !== digest[at]) return false;
    return digest.length === DIGEST_BYTES;
  }

  set(index: number, digest: Uint8Array): void {
    if (digest.length !== DIGEST_BYTES) throw new RangeError(`a digest has ${DIGEST_BYTES} bytes: ${digest.length}`);
    const wasKnown = this.isKnown(index);
    const slot = this.pages.slotToChange(index);
    this.pages.memory.set(digest, slot * DIGEST_BYTES);
    this.knownCount += Number(isEntryKnown(this.words, slot)) - Number(wasKnown);
    this.storedAs = null;
  }

  forget(index: number): void {
    if (!this.isKnown(index)) return;
    const slot = this.pages.slotToChange(index);
    this.words.fill(0, slot * ENTRY_WORDS, (slot + 1) * ENTRY_WORDS);
    this.knownCount -= 1;
    this.storedAs = null;
  }

  /** Takes over every entry of another table of the same disk size and algorithm, unknown ones too. */
  copyFrom(other: DigestTable): void {
    if (!this.isComparableTo(other)) throw new RangeError('tables of different disk sizes or digest algorithms');
    if (other === this) return;
    for (let index = 0; index < this.blockCount; index += 1) {
      if (other.isKnown(index)) this.set(index, other.get(index));
      else this.forget(index);
    }
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
    this.assertKnowsAll();
    const tree = new DigestTree(this.algorithm, this.diskBytes);
    const turns = new EventLoopTurns();
    for (const part of this.parts(ENTRIES_PER_PUSH * DIGEST_BYTES)) {
      tree.push(part);
      await turns.giveWay();
    }
    return Buffer.from(tree.root()).toString('hex');
  }

  /**
   * All entries, one behind the other, in parts of at most `partBytes`, which is a multiple of 32. Views, not to be kept:
   * whoever stores or digests a table needs a part of it at a time.
   */
  *parts(partBytes: number): Generator<Uint8Array> {
    for (let index = 0; index < this.blockCount;) {
      const end = Math.min(index + partBytes / DIGEST_BYTES, this.pages.endOfPage(index));
      const start = this.pages.slotOf(index) * DIGEST_BYTES;
      yield this.pages.memory.subarray(start, start + (end - index) * DIGEST_BYTES);
      index = end;
    }
  }

  /** Enters digests of neighbouring blocks, one behind the other; zeros stand for those that are not known. */
  enter(first: number, entries: Uint8Array): void {
    this.change(first, entries.length / DIGEST_BYTES, (into, done) => {
      const start = done * DIGEST_BYTES;
      into.set(entries.subarray(start, start + into.length));
    });
  }

  /** All of these neighbouring blocks have this digest. */
  setRun(first: number, count: number, digest: Uint8Array): void {
    if (digest.length !== DIGEST_BYTES) throw new RangeError(`a digest has ${DIGEST_BYTES} bytes: ${digest.length}`);
    if (count === 1) this.set(first, digest);
    else this.change(first, count, (into) => into.fill(digest));
  }

  /** Gives back files, if it has any; the table is of no use afterwards. What was not stored is forgotten. */
  close(): void {
    this.pages.files?.close();
  }

  /** @param write fills the entries of a part, of which so many were done before */
  private change(first: number, count: number, write: (into: Buffer, done: number) => void): void {
    const end = first + count;
    if (count > 0) this.assertIndex(end - 1);
    for (let index = first; index < end;) {
      const pageEnd = Math.min(this.pages.endOfPage(index), end);
      this.assertIndex(index);
      const slot = this.pages.slotToChange(index);
      const slotEnd = slot + pageEnd - index;
      const words = this.words.subarray(slot * ENTRY_WORDS, slotEnd * ENTRY_WORDS);
      const knownBefore = knownEntriesIn(words);
      write(this.pages.memory.subarray(slot * DIGEST_BYTES, slotEnd * DIGEST_BYTES), index - first);
      this.knownCount += knownEntriesIn(words) - knownBefore;
      index = pageEnd;
    }
    this.storedAs = null;
  }

  private assertKnowsAll(): void {
    if (this.knownCount === this.blockCount) return;
    let index = 0;
    while (this.isKnown(index)) index += 1;
    throw new Error(`no root digest: the digest of block ${index} is not known`);
  }

  private assertIndex(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.blockCount) {
      throw new RangeError(`block ${index} is not one of ${this.blockCount}`);
    }
  }
}

/** How many of these entries, one behind the other, are known. */
export function knownEntriesIn(entries: Uint32Array): number {
  let known = 0;
  for (let slot = 0; slot < entries.length / ENTRY_WORDS; slot += 1) if (isEntryKnown(entries, slot)) known += 1;
  return known;
}

function isEntryKnown(words: Uint32Array, slot: number): boolean {
  for (let word = slot * ENTRY_WORDS; word < (slot + 1) * ENTRY_WORDS; word += 1) if (words[word] !== 0) return true;
  return false;
}
