import type { JournalHeader } from './digest-journal.codec.js';
import type { DigestJournal } from './digest-journal.js';
import type { DigestJournalWriter } from './digest-journal.writer.js';
import { PAGE_BOUNDS, type PageBounds } from './digest-pages.js';
import type { TableHeader } from './digest-table.codec.js';
import type { DigestTable } from './digest-table.js';
import { openIfThere, removeFiles } from './durable-files.js';
import { createJournal, readJournalHeader, replayJournal } from './stored-journal.js';
import { readTable, readTableName, unknownTable, writeTable, type StoredTable } from './stored-table.js';
import { orLaterTableFailure } from './table-failure.js';

/** `none`: there never was a table; `kept`: it can be relied on; `lost`: there was one, and it cannot. */
export type BaselineState = 'none' | 'kept' | 'lost';

/** A journal that was begun; {@link end} puts the table as it is then in the place of the stored one. */
export interface OpenDigestJournal extends DigestJournal {
  /** Nothing can be forgotten or confirmed afterwards. When it fails, the journal stays, and goes on being valid. */
  end(): Promise<void>;
  /** The same without writing a table: the stored one and the journal beside it go on being what is known, together. */
  leave(): Promise<void>;
}

/**
 * The digests of one target disk, kept on the agent's own disk between rounds and restarts: a table, and while a round
 * is at work, a journal of what changed since beside it.
 *
 * The table says what the *target* holds, and a round writes to the target all the time. Were an agent that is killed
 * to leave an entry behind whose block it had overwritten with B, while the entry still says A, and the source changed
 * that block back to A before the next round, the comparison would say "equal" and the target would keep B for ever.
 * Hence {@link begin}: an entry is forgotten on disk before its block is written, and confirmed after the target made
 * it durable. At whatever moment the agent is killed or its machine loses power, what {@link load} gives is true; it
 * lacks what was in flight, and what was confirmed in the last moments before a loss of power.
 *
 * Table and journal are numbered in one sequence. A journal names the table that it goes on from by its digest; a table
 * with the number of a journal, or a later one, contains it. So it does not matter between which two steps of a change
 * of files an agent was stopped.
 *
 * The tables that this gives keep a bounded part of their entries in memory, and are to be closed. Anything that cannot be
 * read or written on the agent's disk is an EndpointFailure, `DIGEST_TABLE_FAILED`; the stored table and its journal are
 * then as they were, and stay valid.
 */
export class DigestTableFile {
  private readonly journalPath: string;
  /** Earlier versions kept no journal; this file beside a table said that a round was at work. */
  private readonly markerPath: string;

  /** @param bounds of what is in memory; others for tests */
  constructor(
    private readonly path: string,
    private readonly bounds: PageBounds = PAGE_BOUNDS,
  ) {
    this.journalPath = `${path}.journal`;
    this.markerPath = `${path}.dirty`;
  }

  /**
   * What the target is known to hold, if table and journal are whole, belong together, and are of this disk size,
   * algorithm and generation. Anything else is `lost`, never an error: a lost baseline costs time, not correctness.
   * Errors of the file system itself (no permission, say) are thrown.
   */
  async load(expected: TableHeader): Promise<{ table: DigestTable | null; baseline: BaselineState }> {
    return orLaterTableFailure(`${this.path} cannot be read`, async () => {
      if (await isThere(this.markerPath)) return { table: null, baseline: 'lost' };
      const journal = await readJournalHeader(this.journalPath);
      const stored = await readTable(this.path, expected, this.bounds);
      if (journal === 'none' && stored === 'none') return { table: null, baseline: 'none' };
      const table = await this.tableOf(journal, stored, expected);
      return { table, baseline: table === null ? 'lost' : 'kept' };
    });
  }

  /** A table in which nothing is known; no file is touched before it has to be. */
  unknown(header: TableHeader): DigestTable {
    return unknownTable(this.path, header, this.bounds);
  }

  /**
   * From here on `table` is what the target is known to hold: the stored table or an unknown one, that is, never one
   * that knows more than is durable on the target. Every further change goes through the journal. Durable when it
   * resolves. One journal at a time: the one before is ended, or of no use any more.
   */
  async begin(table: DigestTable, generation: string): Promise<OpenDigestJournal> {
    return orLaterTableFailure(`${this.path} cannot be written`, async () => {
      const sequence = await this.lastSequence();
      const base = table.knowsNothing ? null : await this.storeBase(table, generation, sequence + 1);
      const { diskBytes, algorithm } = table;
      const header = { diskBytes, algorithm, generation, sequence: sequence + 2, base };
      const writer = await createJournal(this.journalPath, header);
      // A table that nothing goes on from would be trusted again if the journal were ever lost.
      await removeFiles(this.markerPath, ...(base === null ? [this.path] : [])).catch(async (error: unknown) => {
        await writer.close();
        throw error;
      });
      let ended: Promise<void> | null = null;
      return {
        forget: async (indices) => writer.forget(indices),
        confirm: async (entries) => writer.confirm(entries),
        end: async () =>
          (ended ??= orLaterTableFailure(`${this.path} cannot be written`, () => this.fold(writer, table, header))),
        leave: async () => (ended ??= orLaterTableFailure(`${this.path} cannot be written`, () => writer.close())),
      };
    });
  }

  private async tableOf(
    journal: JournalHeader | 'none' | 'unusable',
    stored: StoredTable | 'none' | 'unusable',
    expected: TableHeader,
  ): Promise<DigestTable | null> {
    const base = stored === 'none' || stored === 'unusable' ? null : stored;
    if (journal === 'none') return base?.table ?? null;
    const table = journal === 'unusable' ? null : this.baseOf(journal, base, expected);
    if (table !== base?.table) base?.table.close();
    if (journal === 'unusable' || table === null) return null;
    if (base !== null && base.sequence >= journal.sequence) return table;
    let isTrue = false;
    try {
      isTrue = await replayJournal(this.journalPath, journal, table);
    } finally {
      if (!isTrue) table.close();
    }
    return isTrue ? table : null;
  }

  /** The table that the journal goes on from, or that contains it already; null: they do not belong together. */
  private baseOf(journal: JournalHeader, base: StoredTable | null, expected: TableHeader): DigestTable | null {
    if (journal.diskBytes !== expected.diskBytes || journal.generation !== expected.generation) return null;
    if (journal.algorithm !== expected.algorithm) return null;
    if (base !== null && base.sequence >= journal.sequence) return base.table;
    if (journal.base === null) return this.unknown(expected);
    return base?.digest.equals(journal.base) === true ? base.table : null;
  }

  /** The digest of a stored table that is `table`; it is only written if the one in place is another. */
  private async storeBase(table: DigestTable, generation: string, sequence: number): Promise<Buffer> {
    const inPlace = await readTableName(this.path);
    if (inPlace !== null && table.storedAs?.equals(inPlace.digest) === true) return inPlace.digest;
    return writeTable(this.path, table, { generation, sequence });
  }

  private async lastSequence(): Promise<number> {
    const [journal, stored] = [await readJournalHeader(this.journalPath), await readTableName(this.path)];
    return Math.max(typeof journal === 'string' ? 0 : journal.sequence, stored?.sequence ?? 0);
  }

  private async fold(
    writer: DigestJournalWriter,
    table: DigestTable,
    { generation, sequence }: JournalHeader,
  ): Promise<void> {
    await writer.close();
    const inPlace = await readJournalHeader(this.journalPath);
    // To take away the journal of somebody who began after us would leave a table that claims too much.
    if (typeof inPlace === 'string' || inPlace.sequence !== sequence) {
      throw new Error(`${this.journalPath} is not the journal that is to be ended`);
    }
    await writeTable(this.path, table, { generation, sequence });
    await removeFiles(this.journalPath);
  }
}

async function isThere(path: string): Promise<boolean> {
  const file = await openIfThere(path);
  await file?.close();
  return file !== null;
}
