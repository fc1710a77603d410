import { EndpointFailure, reasonOf } from '../endpoint-failure.js';
import { encodeRecords, itemsOf, type JournalItem } from './digest-journal.codec.js';
import type { DigestJournal, KnownBlocks } from './digest-journal.js';

/** Where the records go; all that a journal asks of a file. */
export interface JournalFile {
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves when everything appended before is durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

interface Waiting {
  readonly bytes: Uint8Array;
  readonly durable: boolean;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

/**
 * Appends to a journal. What is asked for while a sync is under way shares the next one (group commit), so the price is
 * one sync for any number of writes that wait for it.
 *
 * To forget is made durable, to confirm is not: a confirmation that a power cut takes back leaves an unknown entry, and
 * an unknown entry only costs a block that is sent again. A cut takes the end of the file and nothing before it, and a
 * forgetting that was synced has nothing unsynced before it, so the order is kept too.
 *
 * The first failure is final: after it the end of the file is not known, and records behind a torn one would be lost.
 */
export class DigestJournalWriter implements DigestJournal {
  private readonly waiting: Waiting[] = [];
  private draining: Promise<void> | null = null;
  private refusal: Error | null = null;

  /** @param chain what the first record's checksums go on from */
  constructor(
    private readonly file: JournalFile,
    private chain: number,
  ) {}

  async forget(indices: readonly number[]): Promise<void> {
    await this.append('forget', itemsOf(withoutDigest(indices)));
  }

  async confirm(entries: readonly KnownBlocks[]): Promise<void> {
    await this.append('confirm', itemsOf(entries));
  }

  /** Refuses everything from now on, and resolves when the file is closed. */
  async close(): Promise<void> {
    this.refusal ??= new Error('the digest journal was ended');
    await this.draining;
    await this.file.close();
  }

  private async append(kind: 'forget' | 'confirm', items: readonly JournalItem[]): Promise<void> {
    if (this.refusal !== null) throw this.refusal;
    if (items.length === 0) return;
    const { bytes, chain } = encodeRecords(kind, items, this.chain);
    this.chain = chain;
    await new Promise<void>((resolve, reject) => {
      this.waiting.push({ bytes, durable: kind === 'forget', resolve, reject });
      this.draining ??= this.drain().finally(() => (this.draining = null));
    });
  }

  private async drain(): Promise<void> {
    // One turn, so that those who ask at the same moment share the first sync as well.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const group = this.waiting.splice(0);
      try {
        await this.file.append(Buffer.concat(group.map(({ bytes }) => bytes)));
        if (group.some(({ durable }) => durable)) await this.file.sync();
      } catch (error) {
        this.fail(error, group);
        return;
      }
      for (const { resolve } of group) resolve();
    }
  }

  private fail(error: unknown, group: readonly Waiting[]): void {
    const detail = `the digest journal cannot be written: ${reasonOf(error)}`;
    this.refusal = new EndpointFailure('DIGEST_TABLE_FAILED', detail, { cause: error });
    for (const { reject } of [...group, ...this.waiting.splice(0)]) reject(this.refusal);
  }
}

function* withoutDigest(indices: readonly number[]): Generator<{ index: number; digest: null }> {
  for (const index of indices) yield { index, digest: null };
}
