import { DIGEST_BYTES } from './block-digest.js';
import type { TableFiles } from './table-files.js';

export interface PageBounds {
  readonly entriesPerPage: number;
  /** The least recently used one goes when another is needed. */
  readonly pagesInMemory: number;
}

/** Pages of 64 KiB, which stand for 128 MiB of disk each: 4 MiB in memory, all there is to disks of up to 8 GiB. */
export const PAGE_BOUNDS: PageBounds = { entriesPerPage: 2048, pagesInMemory: 64 };

const NO_PAGE = -1;

/**
 * The entries of a digest table, 32 bytes each, of which a bounded number of pages is in memory. The others are in
 * `files`; without files, all entries are one page that never leaves. Everything is synchronous: a page is one system
 * call, and a sweep from one end of the disk to the other comes to each page once or twice.
 *
 * Methods throw an EndpointFailure (`DIGEST_TABLE_FAILED`) when a page cannot be read or written. Nothing is lost then:
 * a page leaves the memory only when it is in the files.
 */
export class DigestPages {
  readonly pageCount: number;
  /** The pages in memory, one frame behind the other. */
  readonly memory: Buffer;
  private readonly entriesPerPage: number;
  /** The frame of each page in memory; the least recently used page comes first. */
  private readonly frames = new Map<number, number>();
  private readonly freeFrames: number[];
  /** Pages in memory that the files do not have like this. */
  private readonly changed = new Set<number>();
  /** The page that was used last: its entries, and how far its frame is from where it would be in one flat array. */
  private page = NO_PAGE;
  private first = 0;
  private end = 0;
  private shift = 0;

  constructor(
    readonly entryCount: number,
    bounds: PageBounds | null,
    readonly files: TableFiles | null,
  ) {
    this.entriesPerPage = bounds?.entriesPerPage ?? entryCount;
    this.pageCount = Math.ceil(entryCount / this.entriesPerPage);
    const frames = Math.min(bounds?.pagesInMemory ?? 1, this.pageCount);
    this.memory = Buffer.alloc(Math.min(frames * this.entriesPerPage, entryCount) * DIGEST_BYTES);
    this.freeFrames = Array.from({ length: frames }, (_, frame) => frames - 1 - frame);
  }

  /** Where in {@link memory} an entry is, in entries. Good until another one is asked for. */
  slotOf(index: number): number {
    if (index < this.first || index >= this.end) this.turnTo(Math.floor(index / this.entriesPerPage));
    return index + this.shift;
  }

  /** The same of an entry that is about to be changed. */
  slotToChange(index: number): number {
    const slot = this.slotOf(index);
    this.changed.add(this.page);
    return slot;
  }

  /** The first entry of the page behind the one that this entry is in. */
  endOfPage(index: number): number {
    return this.endOf(Math.floor(index / this.entriesPerPage));
  }

  /** True when the page of this entry is all zeros, as nothing was ever entered in it: it need not be brought in. */
  isBlank(index: number): boolean {
    const page = Math.floor(index / this.entriesPerPage);
    return this.files !== null && !this.frames.has(page) && !this.files.has(page);
  }

  /** The bytes of a page, a view that is good until another one is asked for; and whether the files have it like this. */
  contentOf(page: number): { readonly content: Buffer; readonly isChanged: boolean } {
    const first = page * this.entriesPerPage;
    const start = this.slotOf(first) * DIGEST_BYTES;
    const content = this.memory.subarray(start, start + (this.endOf(page) - first) * DIGEST_BYTES);
    return { content, isChanged: this.changed.has(page) };
  }

  /** The files have the page as it is in memory. */
  isWritten(page: number): void {
    this.changed.delete(page);
  }

  private turnTo(page: number): void {
    const known = this.frames.get(page);
    const frame = known ?? this.bringIn(page);
    if (known !== undefined) this.frames.delete(page);
    this.frames.set(page, frame);
    this.page = page;
    this.first = page * this.entriesPerPage;
    this.end = this.endOf(page);
    this.shift = frame * this.entriesPerPage - this.first;
  }

  private bringIn(page: number): number {
    if (this.freeFrames.length === 0) this.letGoOfOldest();
    const frame = this.freeFrames.at(-1) ?? 0;
    const content = this.contentIn(page, frame);
    if (this.files?.has(page) === true) this.files.read(page, content);
    else content.fill(0);
    this.freeFrames.pop();
    return frame;
  }

  private letGoOfOldest(): void {
    const [oldest] = this.frames;
    if (oldest === undefined) return;
    const [page, frame] = oldest;
    if (this.changed.has(page)) this.files?.write(page, this.contentIn(page, frame));
    this.changed.delete(page);
    this.frames.delete(page);
    this.freeFrames.push(frame);
    if (this.page === page) [this.page, this.first, this.end] = [NO_PAGE, 0, 0];
  }

  private contentIn(page: number, frame: number): Buffer {
    const start = frame * this.entriesPerPage * DIGEST_BYTES;
    const entries = this.endOf(page) - page * this.entriesPerPage;
    return this.memory.subarray(start, start + entries * DIGEST_BYTES);
  }

  private endOf(page: number): number {
    return Math.min((page + 1) * this.entriesPerPage, this.entryCount);
  }
}
