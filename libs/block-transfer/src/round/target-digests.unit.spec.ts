import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DIGEST_BLOCK_BYTES, digestOf as digest } from '../digests/block-digest.js';
import { RecordDecoder } from '../digests/digest-journal.codec.js';
import { DigestJournalWriter, type JournalFile } from '../digests/digest-journal.writer.js';
import { DigestTable } from '../digests/digest-table.js';
import { applyItem } from '../digests/stored-journal.js';
import { AcknowledgementBook } from './acknowledgement-book.js';
import { TargetDigests } from './target-digests.js';

const BLOCKS = 6;
const CHAIN = 1;
const entriesOf = (table: DigestTable): Buffer => Buffer.concat([...table.parts(1024)]);
const digestOf = (content: number): Uint8Array => digest(Buffer.of(content), 'blake3');

/** A moment at which everything may stop. */
interface Moment {
  /** What the journal's file holds, the part that is just being appended included. */
  readonly file: Buffer;
  /** So much of it survives a loss of power. */
  readonly syncedBytes: number;
  /** Per block, every content that the target may hold after a loss of power. */
  readonly truth: ReadonlySet<number>[];
}

/** A target and a journal's file that can stop at any moment, and remember all of them. */
class CrashModel implements JournalFile {
  readonly moments: Moment[] = [];
  private file = Buffer.alloc(0);
  private syncedBytes = 0;
  private readonly truth: Set<number>[];
  private answered: [block: number, content: number][] = [];
  private sendsLeft = Number.POSITIVE_INFINITY;

  constructor(
    contents: readonly number[],
    private readonly turn: () => Promise<void>,
  ) {
    this.truth = contents.map((content) => new Set([content]));
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.file = Buffer.concat([this.file, bytes]);
    this.remember();
    await this.turn();
  }

  async sync(): Promise<void> {
    const length = this.file.length;
    await this.turn();
    this.syncedBytes = length;
    this.remember();
  }

  async close(): Promise<void> {
    await this.turn();
  }

  /** A fresh server behind a connection that is lost after so many writes. */
  connect(sendsLeft: number): void {
    this.sendsLeft = sendsLeft;
    this.answered = [];
  }

  async write(block: number, content: number): Promise<void> {
    this.assertConnected();
    this.sendsLeft -= 1;
    this.truth[block]?.add(content);
    this.remember();
    await this.turn();
    this.assertConnected();
    this.answered.push([block, content]);
  }

  async flush(): Promise<void> {
    const covered = [...this.answered];
    await this.turn();
    this.assertConnected();
    for (const [block, content] of covered) this.truth[block] = new Set([content]);
    this.remember();
  }

  private assertConnected(): void {
    if (this.sendsLeft <= 0) throw new Error('connection lost');
  }

  private remember(): void {
    const truth = this.truth.map((contents) => new Set(contents));
    this.moments.push({ file: this.file, syncedBytes: this.syncedBytes, truth });
  }
}

const attempts = fc.array(
  fc.record({
    /** No block twice: steps of a sweep never overlap. */
    writes: fc.uniqueArray(fc.record({ block: fc.nat(BLOCKS - 1), content: fc.nat(3) }), {
      selector: ({ block }) => block,
      maxLength: BLOCKS,
    }),
    flushEvery: fc.integer({ min: 1, max: 4 }),
    lostAfter: fc.integer({ min: 1, max: 10 }),
  }),
  { minLength: 1, maxLength: 4 },
);
const start = fc.array(fc.record({ content: fc.nat(3), known: fc.boolean() }), {
  minLength: BLOCKS,
  maxLength: BLOCKS,
});
type Start = { content: number; known: boolean }[];
type Attempt = { writes: { block: number; content: number }[]; flushEvery: number; lostAfter: number };

function tableOf(blocks: Start): DigestTable {
  const table = DigestTable.unknown(BLOCKS * DIGEST_BLOCK_BYTES, 'blake3');
  for (const [index, { content, known }] of blocks.entries()) if (known) table.set(index, digestOf(content));
  return table;
}

/** What a round does, with nothing but the order that matters here. */
async function attempt(
  model: CrashModel,
  known: TargetDigests,
  { writes, flushEvery, lostAfter }: Attempt,
): Promise<void> {
  model.connect(lostAfter);
  const book = new AcknowledgementBook(0);
  const flush = async (): Promise<void> => {
    const batch = book.take(0);
    await model.flush();
    await known.confirm(batch);
  };
  const running: Promise<void>[] = [];
  for (const [index, { block, content }] of writes.entries()) {
    const step = async (): Promise<void> => {
      await known.forget([block]);
      await model.write(block, content);
      book.written([], [{ index: block, digest: digestOf(content) }], DIGEST_BLOCK_BYTES);
    };
    running.push(step());
    if (index % flushEvery === flushEvery - 1) running.push(flush());
  }
  await Promise.allSettled(running);
  await flush().catch(() => undefined);
}

async function play(scheduler: fc.Scheduler, blocks: Start, all: readonly Attempt[]): Promise<Moment[]> {
  const turn = async (): Promise<void> => scheduler.schedule(Promise.resolve());
  const model = new CrashModel(
    blocks.map(({ content }) => content),
    turn,
  );
  const known = new TargetDigests(tableOf(blocks), new DigestJournalWriter(model, CHAIN));
  const playing = async (): Promise<void> => {
    for (const one of all) await attempt(model, known, one);
  };
  await scheduler.waitFor(playing());
  return model.moments;
}

/** The table that a process finds when it starts anew; null: it is lost. */
function replay(base: DigestTable, file: Buffer): DigestTable | null {
  const table = DigestTable.unknown(base.diskBytes, 'blake3');
  table.copyFrom(base);
  const decoder = new RecordDecoder(CHAIN, (item) => applyItem(item, table));
  return decoder.push(file) ? table : null;
}

function expectTrue(table: DigestTable, { truth }: Moment): void {
  for (const index of table.knownIndices()) {
    const possible = [...(truth[index] ?? [])].map((content) => Buffer.from(digestOf(content)).toString('hex'));
    expect(possible, `block ${index}`).toEqual([Buffer.from(table.get(index)).toString('hex')]);
  }
}

describe('after a crash at any moment', () => {
  it('only what the target certainly holds is known, by a process that was killed or lost its power', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        start,
        attempts,
        fc.infiniteStream(fc.nat()),
        async (scheduler, blocks, all, random) => {
          const base = tableOf(blocks);
          for (const moment of await play(scheduler, blocks, all)) {
            const { file, syncedBytes } = moment;
            const lost = file.length - syncedBytes;
            const cuts = Array.from({ length: 4 }, () => syncedBytes + ((random.next().value ?? 0) % (lost + 1)));
            for (const cut of [syncedBytes, file.length, ...cuts]) {
              const table = replay(base, file.subarray(0, cut));
              expect(table).not.toBe(null);
              if (table !== null) expectTrue(table, moment);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('a journal with a changed byte or with rubbish at its end tells the truth or nothing', async () => {
    const rubbish = fc.uint8Array({ minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), start, attempts, rubbish, async (scheduler, blocks, all, tail) => {
        const base = tableOf(blocks);
        const moments = await play(scheduler, blocks, all);
        for (const moment of moments.slice(-3)) {
          const { file, syncedBytes } = moment;
          const images = [
            ...Array.from(file.keys(), (at) => changed(file, at, tail[0] ?? 0)),
            Buffer.concat([file, tail]),
            Buffer.concat([file.subarray(0, syncedBytes), tail]),
          ];
          for (const image of images) {
            const table = replay(base, image);
            if (table !== null) expectTrue(table, moment);
          }
        }
      }),
      { numRuns: 15 },
    );
  });

  it('nothing is lost that was confirmed, when the process alone was killed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), start, attempts, async (scheduler, blocks, all) => {
        const base = tableOf(blocks);
        const last = (await play(scheduler, blocks, all)).at(-1);
        if (last === undefined) return;
        const table = replay(base, last.file);
        // Whoever was known and not written since is known still.
        const written = new Set(all.flatMap(({ writes }) => writes.map(({ block }) => block)));
        for (const index of base.knownIndices()) {
          if (!written.has(index)) expect(table?.matches(index, base.get(index))).toBe(true);
        }
      }),
    );
  });
});

describe('TargetDigests', () => {
  function recorded(): { calls: string[]; journal: ConstructorParameters<typeof TargetDigests>[1] } {
    const calls: string[] = [];
    const journal = {
      forget: async (indices: readonly number[]) => void calls.push(`forget ${indices.join(' ')}`),
      confirm: async (entries: readonly { index: number; count?: number }[]) =>
        void calls.push(`confirm ${entries.map(({ index, count }) => `${index}x${count ?? 1}`).join(' ')}`),
    };
    return { calls, journal };
  }

  it('asks nothing of the journal where nothing is known', async () => {
    const { calls, journal } = recorded();
    const known = new TargetDigests(tableOf(blocksKnown(1, 4)), journal);
    await known.forget([0, 1, 2, 4]);
    await known.forget([0, 1, 2, 4]);
    expect(calls).toEqual(['forget 1 4']);
    expect(known.table.knowsNothing).toBe(true);
  });

  it('keeps an entry when the journal could not forget it: its write will not be sent', async () => {
    const known = new TargetDigests(tableOf(blocksKnown(1)), {
      forget: () => Promise.reject(new Error('no space left')),
      confirm: () => Promise.resolve(),
    });
    await expect(known.forget([1])).rejects.toThrow(/no space/);
    expect(known.table.isKnown(1)).toBe(true);
  });

  it('takes another table over, and forgets first what that one does not share', async () => {
    const { calls, journal } = recorded();
    const known = new TargetDigests(tableOf(blocksKnown(0, 1, 2)), journal);
    const other = tableOf(blocksKnown(1, 3));
    other.set(2, digestOf(99));
    await known.adopt(other);
    expect(calls).toEqual(['forget 0 2']);
    expect(entriesOf(known.table).equals(entriesOf(other))).toBe(true);
    await known.adopt(known.table);
    expect(calls).toHaveLength(1);
  });

  it('confirms blocks that were written and blocks that were made zero', async () => {
    const { calls, journal } = recorded();
    const known = new TargetDigests(tableOf(blocksKnown()), journal);
    const book = new AcknowledgementBook(0);
    book.written([], [{ index: 5, digest: digestOf(5) }], 1);
    book.madeZero({ offsetBytes: DIGEST_BLOCK_BYTES, lengthBytes: 2 * DIGEST_BLOCK_BYTES }, 0);
    await known.confirm(book.take(0));
    expect(calls).toEqual(['confirm 5x1 1x2']);
    expect([...known.table.knownIndices()]).toEqual([1, 2, 5]);
  });

  function blocksKnown(...indices: number[]): Start {
    return Array.from({ length: BLOCKS }, (_, index) => ({ content: index, known: indices.includes(index) }));
  }
});

/** A copy in which one byte is another. */
function changed(bytes: Buffer, at: number, mask: number): Buffer {
  const damaged = Buffer.from(bytes);
  damaged.writeUInt8(damaged.readUInt8(at) ^ (mask || 1), at);
  return damaged;
}
