import type { DigestJournal } from '../digests/digest-journal.js';
import type { DigestTable } from '../digests/digest-table.js';
import { EventLoopTurns } from '../digests/event-loop-turns.js';
import { commitBatch, knownBlocksOf, type Batch } from './acknowledgement-book.js';

/** So many blocks are handed to the journal at once: what a gibibyte has. */
const JOURNAL_BLOCKS = 16_384;

/**
 * The table of what the target is known to hold, and its journal, kept in step: on disk never more is known than in
 * memory, and in memory never more than is durable on the target.
 */
export class TargetDigests {
  constructor(
    readonly table: DigestTable,
    private readonly journal: DigestJournal | undefined,
  ) {}

  /** Must have resolved before the first write to any of these blocks is sent. Costs nothing where nothing is known. */
  async forget(indices: Iterable<number>): Promise<void> {
    for (const known of chunksOf(filter(indices, (index) => this.table.isKnown(index)))) {
      await this.journal?.forget(known);
      for (const index of known) this.table.forget(index);
    }
  }

  /** Gives way to everything else: terabytes may be kept. */
  async forgetAllBut(isKept: (index: number) => boolean): Promise<void> {
    const turns = new EventLoopTurns();
    for (let first = 0; first < this.table.blockCount; first += JOURNAL_BLOCKS) {
      const end = Math.min(first + JOURNAL_BLOCKS, this.table.blockCount);
      await this.forget(filter(this.table.knownIndices(first, end), (index) => !isKept(index)));
      await turns.giveWay();
    }
  }

  /** Takes over another table. Entries of ours that it does not share are forgotten first: they are not to come back. */
  async adopt(other: DigestTable): Promise<void> {
    const { table } = this;
    if (other === table) return;
    await this.forgetAllBut((index) => other.matches(index, table.get(index)));
    table.copyFrom(other);
  }

  /** A batch that is durable on the target. */
  async confirm(batch: Batch): Promise<void> {
    await commitBatch(batch, this.table);
    if (this.journal === undefined) return;
    for (const entries of chunksOf(knownBlocksOf(batch, this.table))) await this.journal.confirm(entries);
  }
}

function* filter<T>(items: Iterable<T>, wanted: (item: T) => boolean): Generator<T> {
  for (const item of items) if (wanted(item)) yield item;
}

function* chunksOf<T>(items: Iterable<T>): Generator<T[]> {
  let chunk: T[] = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length < JOURNAL_BLOCKS) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
