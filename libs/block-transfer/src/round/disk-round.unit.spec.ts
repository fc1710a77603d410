import fc from 'fast-check';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { ByteRange } from '#libs/contracts';
import { DIGEST_BLOCK_BYTES, digestOfBlock } from '../digests/block-digest.js';
import type { DigestJournal } from '../digests/digest-journal.js';
import { DigestTable } from '../digests/digest-table.js';
import { endOf, invertExtents, mergeExtents, totalBytes } from '../extents/byte-extents.js';
import { Pool } from '../pool.js';
import { alignedSlots } from '../source/aligned-buffer.js';
import type { SourceDisk } from '../source/source-disk.js';
import { usedMapOf, type UsedMap } from '../used-blocks/used-map.js';
import { UNFLUSHED_LIMIT_BYTES } from './acknowledgement-book.js';
import { blockSpan, RUN_BYTES } from './block-plan.js';
import { DiskResume } from './disk-resume.js';
import { DiskRound } from './disk-round.js';

const BLOCK = DIGEST_BLOCK_BYTES;
const BLOCKS = 24;
const DISK_BYTES = (BLOCKS - 1) * BLOCK + 1536;
const GARBAGE = 0xee;

/** A target that loses its power after so many requests, and then holds anything in all that was not flushed. */
class FragileTarget implements DigestJournal {
  readonly disk = Buffer.alloc(DISK_BYTES, GARBAGE);
  sentBytes = 0;
  /** What was handed over and was lost with the power. */
  wastedBytes = 0;
  /** What a process that starts anew would find to be known. */
  readonly kept = new Set<number>();
  /** Of the requests, in the order of their answers; a write's is its first block. */
  readonly diary: string[] = [];
  /** For so many turns of the event loop a zeroing is waited for, where anything else is answered at once. */
  zeroTurns = 0;
  private volatile: { range: ByteRange; answered: boolean; payloadBytes: number }[] = [];
  private requestsLeft = Number.POSITIVE_INFINITY;

  powerUp(requestsLeft: number): void {
    this.requestsLeft = requestsLeft;
  }

  losePower(): void {
    for (const { range, payloadBytes } of this.volatile) {
      this.disk.fill(GARBAGE, range.offsetBytes, endOf(range));
      this.wastedBytes += payloadBytes;
    }
    this.volatile = [];
  }

  async write(offsetBytes: number, payload: Uint8Array): Promise<void> {
    this.sentBytes += payload.length;
    await this.change({ offsetBytes, lengthBytes: payload.length }, payload.length, () =>
      this.disk.set(payload, offsetBytes),
    );
    this.diary.push(`write ${Math.floor(offsetBytes / BLOCK)}`);
  }

  async zero(range: ByteRange): Promise<number> {
    await this.change(range, 0, () => this.disk.fill(0, range.offsetBytes, endOf(range)), this.zeroTurns);
    this.diary.push('zero');
    return 0;
  }

  async flush(): Promise<void> {
    const covered = this.volatile.filter(({ answered }) => answered);
    await this.turn();
    this.volatile = this.volatile.filter((write) => !covered.includes(write));
  }

  async forget(indices: readonly number[]): Promise<void> {
    for (const index of indices) this.kept.delete(index);
    await Promise.resolve();
  }

  async confirm(entries: readonly { index: number; count?: number }[]): Promise<void> {
    for (const { index, count = 1 } of entries)
      for (let place = 0; place < count; place += 1) this.kept.add(index + place);
    await Promise.resolve();
  }

  private async change(range: ByteRange, payloadBytes: number, apply: () => void, turns = 0): Promise<void> {
    const { first, end } = blockSpan(range);
    for (let index = first; index < end; index += 1) if (this.kept.has(index)) expect.fail(`${index} is still known`);
    const write = { range, answered: false, payloadBytes };
    this.volatile.push(write);
    for (let turn = 0; turn < turns; turn += 1) await nextTurn();
    await this.turn();
    apply();
    write.answered = true;
  }

  private async turn(): Promise<void> {
    await Promise.resolve();
    this.requestsLeft -= 1;
    if (this.requestsLeft < 0) throw new Error('power lost');
  }
}

/** The source as one attempt sees it. */
interface View {
  readonly content: Buffer;
  readonly used: UsedMap;
}

interface Attempt {
  readonly view: View;
  readonly baseline: DigestTable | null;
  readonly digests: DigestTable;
  readonly resume: DiskResume;
  readonly requests: number;
  readonly dirty?: ReadonlySet<number>;
}

/** True when it came to its end; also the blocks that it read. */
async function run(target: FragileTarget, attempt: Attempt): Promise<{ completed: boolean; read: Set<number> }> {
  const { view, baseline, digests, resume, requests, dirty = null } = attempt;
  const read = new Set<number>();
  const source: SourceDisk = {
    sizeBytes: DISK_BYTES,
    read: async (into, offsetBytes) => {
      into.set(view.content.subarray(offsetBytes, offsetBytes + into.length));
      const { first, end } = blockSpan({ offsetBytes, lengthBytes: into.length });
      for (let index = first; index < end; index += 1) read.add(index);
      await Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
  const stop = new AbortController();
  const { used } = view;
  const options = {
    diskId: 'd',
    source,
    used,
    target: { host: '', port: 0, exportName: '' },
    baseline,
    digests,
    resume,
    dirty,
  };
  // A clock that runs so fast that a FLUSH is due again and again.
  let nowMs = 0;
  target.powerUp(requests);
  const round = new DiskRound({ ...options, journal: target }, target, stop, stop.signal, () => (nowMs += 400));
  try {
    await round.run();
    return { completed: true, read };
  } catch (error) {
    if (!(error instanceof Error) || error.message !== 'power lost') throw error;
    target.losePower();
    return { completed: false, read };
  }
}

function canonical({ content, used }: View): Buffer {
  const wanted = Buffer.from(content);
  for (const gap of invertExtents(used.extents, DISK_BYTES)) wanted.fill(0, gap.offsetBytes, endOf(gap));
  return wanted;
}

const blockOf = (disk: Buffer, index: number): Buffer => disk.subarray(index * BLOCK, (index + 1) * BLOCK);

/** Content in free places too, and now and then a block of zeros in a used one. */
function contentOf(seed: number): Buffer {
  const content = Buffer.alloc(DISK_BYTES);
  for (let index = 0; index < BLOCKS; index += 1) {
    if ((index + seed) % 7 !== 0) blockOf(content, index).fill(`${index}/${seed}`);
  }
  return content;
}

const maps = fc.array(fc.tuple(fc.nat(DISK_BYTES - 1), fc.nat(8 * BLOCK)), { minLength: 1, maxLength: 8 }).map((list) =>
  usedMapOf(
    DISK_BYTES,
    list.map(([offsetBytes, length]) => ({ offsetBytes, lengthBytes: Math.min(length, DISK_BYTES - offsetBytes) })),
  ),
);
/** Requests that an attempt comes to; more than it needs ends the round. */
const cuts = fc.array(fc.nat(40), { maxLength: 4 });

/** A target and a true table of it, in which some entries are not known. */
function knownFrom(view: View, isKnown: (index: number) => boolean): { target: FragileTarget; table: DigestTable } {
  const target = new FragileTarget();
  const table = DigestTable.unknown(DISK_BYTES, 'blake3');
  const wanted = canonical(view);
  for (let index = 0; index < BLOCKS; index += 1) {
    if (!isKnown(index)) continue;
    blockOf(target.disk, index).set(blockOf(wanted, index));
    table.set(index, digestOfBlock(blockOf(wanted, index), 'blake3'));
    target.kept.add(index);
  }
  return { target, table };
}

function expectTrueTable(digests: DigestTable, target: FragileTarget): void {
  for (const index of digests.knownIndices()) {
    if (!digests.matches(index, digestOfBlock(blockOf(target.disk, index), 'blake3')))
      expect.fail(`block ${index}: wrong digest`);
  }
  for (const index of target.kept) if (!digests.isKnown(index)) expect.fail(`block ${index} is known on disk only`);
}

/** Each run moves megabytes; every execution draws others. */
const RUNS = 8;

describe('attempts of a round', () => {
  it('end with the source on the target, and send what was durable only once, with nothing known before', async () => {
    await fc.assert(
      fc.asyncProperty(maps, cuts, fc.nat(8), async (used, requests, zeroTurns) => {
        const view = { content: contentOf(1), used };
        const fresh = () => ({
          baseline: null,
          digests: DigestTable.unknown(DISK_BYTES, 'blake3'),
          resume: new DiskResume(DISK_BYTES),
        });
        const calm = new FragileTarget();
        await run(calm, { view, ...fresh(), requests: Number.POSITIVE_INFINITY });
        expect(calm.disk.equals(canonical(view))).toBe(true);

        const target = new FragileTarget();
        target.zeroTurns = zeroTurns;
        const round = { view, ...fresh() };
        await untilDone(target, round, requests);
        expect(target.disk.equals(canonical(view))).toBe(true);
        expect(target.sentBytes - target.wastedBytes).toBe(calm.sentBytes);
        expect(round.resume.totals.sentBytes).toBeGreaterThanOrEqual(calm.sentBytes);
        expect(round.resume.totals.sentBytes).toBeLessThanOrEqual(target.sentBytes);
      }),
      { numRuns: RUNS },
    );
  });

  it('do the same with a table that knows a part, which may be the one that is filled', async () => {
    await fc.assert(
      fc.asyncProperty(
        maps,
        maps,
        cuts,
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        async (before, used, requests, gap, same) => {
          const { target, table } = knownFrom({ content: contentOf(1), used: before }, (index) => index % gap !== 0);
          const content = contentOf(1);
          for (let index = 0; index < BLOCKS; index += 3) blockOf(content, index).fill(`new ${index}`);
          const view = { content, used };
          const calm = knownFrom({ content: contentOf(1), used: before }, (index) => index % gap !== 0);
          const digestsOf = (of: DigestTable) => (same ? of : DigestTable.unknown(DISK_BYTES, 'blake3'));
          await run(calm.target, {
            ...{ view, baseline: calm.table, digests: digestsOf(calm.table), resume: new DiskResume(DISK_BYTES) },
            requests: Number.POSITIVE_INFINITY,
          });
          const round = { view, baseline: table, digests: digestsOf(table), resume: new DiskResume(DISK_BYTES) };
          // With two tables, the journal goes on from the one that is filled.
          if (!same) target.kept.clear();
          await untilDone(target, round, requests);
          expect(target.disk.equals(canonical(view))).toBe(true);
          expect(target.sentBytes - target.wastedBytes).toBe(calm.target.sentBytes);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('leave every block as one of them saw it, and true digests, when source and map change in between', async () => {
    const changes = fc.array(fc.record({ used: maps, requests: fc.nat(40), again: fc.boolean() }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        maps,
        changes,
        fc.constantFrom('nothing', 'kept', 'resend'),
        fc.nat(8),
        async (last, list, kind, zeroTurns) => {
          const { target, table } = knownFrom(
            { content: contentOf(9), used: last },
            (index) => kind !== 'nothing' && index % 4 !== 0,
          );
          target.zeroTurns = zeroTurns;
          const round = {
            baseline: kind === 'kept' ? table : null,
            digests: table,
            resume: new DiskResume(DISK_BYTES),
          };
          const views: Buffer[] = [];
          for (const [seed, { used, requests, again }] of [
            ...list,
            { used: last, requests: 1e9, again: false },
          ].entries()) {
            const view = { content: contentOf(seed), used };
            views.push(canonical(view));
            const done = Array.from({ length: BLOCKS }, (_, index) => index).filter((index) =>
              round.resume.isDone(index),
            );
            const { completed, read } = await run(target, { view, ...round, requests });
            expect(done.filter((index) => read.has(index))).toEqual([]);
            expectTrueTable(round.digests, target);
            const seen = views.slice(0, seed + 1);
            if (completed) expectSeen(target.disk, seen, read);
            // A final round's next attempt.
            if (again) {
              round.resume.readAgain();
              views.fill(Buffer.alloc(DISK_BYTES, 1));
            }
          }
          expect(round.resume.doneBytes).toBe(DISK_BYTES);
          expect(await round.digests.rootDigest()).toMatch(/^[0-9a-f]{64}$/);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('send while the target is made zero, and note no block whose rest is not zero yet', async () => {
    // Three times a block of which a part is used, one that is used as a whole, and one that is free; then all is used.
    const parts = [0, 3, 6].map((index) => ({ offsetBytes: index * BLOCK, lengthBytes: 4096 }));
    const wholes = parts.map(({ offsetBytes }) => ({ offsetBytes: offsetBytes + BLOCK, lengthBytes: BLOCK }));
    const rest = { offsetBytes: 9 * BLOCK, lengthBytes: DISK_BYTES - 9 * BLOCK };
    const used = usedMapOf(DISK_BYTES, [...parts, ...wholes, rest]);
    const target = new FragileTarget();
    target.zeroTurns = 20;
    const notedBefore: number[] = [];
    const confirm = target.confirm.bind(target);
    target.confirm = async (entries) => {
      if (!target.diary.includes('zero')) notedBefore.push(...entries.map(({ index }) => index));
      await confirm(entries);
    };
    const view = { content: contentOf(1), used };
    const { completed } = await run(target, {
      ...{ view, baseline: null, digests: DigestTable.unknown(DISK_BYTES, 'blake3') },
      ...{ resume: new DiskResume(DISK_BYTES), requests: 1e9 },
    });
    expect(completed).toBe(true);
    expect(target.diary.indexOf('write 0')).toBeLessThan(target.diary.indexOf('zero'));
    expect(notedBefore).toEqual([]);
    expect(target.kept.size).toBe(BLOCKS);
    expect(target.disk.equals(canonical(view))).toBe(true);
  });

  it('zero again what a zeroing that was lost had covered, though it was zero before', async () => {
    // Block 7 is of zeros and used in its first byte: its rest is zeroed ahead of the sweep, and all of it in the sweep.
    const used = usedMapOf(DISK_BYTES, [{ offsetBytes: 0, lengthBytes: 7 * BLOCK + 1 }]);
    const nothing = usedMapOf(DISK_BYTES, []);
    for (let requests = 0; requests < 8; requests += 1) {
      const target = new FragileTarget();
      const round = {
        baseline: null,
        digests: DigestTable.unknown(DISK_BYTES, 'blake3'),
        resume: new DiskResume(DISK_BYTES),
      };
      await run(target, { view: { content: contentOf(0), used }, ...round, requests });
      await run(target, { view: { content: contentOf(0), used: nothing }, ...round, requests: 1e9 });
      expectTrueTable(round.digests, target);
    }
  });

  it('send only what differs when they read again, and all in whole blocks', async () => {
    const used = usedMapOf(DISK_BYTES, [{ offsetBytes: 0, lengthBytes: 20 * BLOCK + 5000 }]);
    const target = new FragileTarget();
    const round = {
      baseline: null,
      digests: DigestTable.unknown(DISK_BYTES, 'blake3'),
      resume: new DiskResume(DISK_BYTES),
    };
    const view = { content: contentOf(1), used };
    await run(target, { view, ...round, requests: 1e9 });
    const sentBefore = target.sentBytes;
    const later = { content: Buffer.from(view.content), used };
    blockOf(later.content, 3).fill('new');
    round.resume.readAgain();
    expect(round.resume.doneBytes).toBe(0);
    const { read } = await run(target, { view: later, ...round, requests: 1e9 });
    expect(read.size).toBe(21);
    expect(target.sentBytes - sentBefore).toBe(BLOCK);
    expect(target.disk.equals(canonical(later))).toBe(true);
    expect(round.resume.totals).toMatchObject({ readBytes: 2 * 21 * BLOCK, sentBytes: target.sentBytes });
  });

  it('do not zero again ahead of the sweep what was durably zeroed', async () => {
    const used = usedMapOf(DISK_BYTES, [{ offsetBytes: 4096, lengthBytes: 4096 }]);
    const later = usedMapOf(DISK_BYTES, [{ offsetBytes: 12_288, lengthBytes: 8192 }]);
    const resume = new DiskResume(DISK_BYTES);
    const first = resume.zeroBefore(used.extents);
    expect(first).toEqual(invertExtents(used.extents, DISK_BYTES));
    // Not flushed: all of it once more.
    expect(resume.zeroBefore(used.extents)).toEqual(first);
    resume.madeDurable({ ranges: [], zeroed: [], digests: [], prepared: first, payloadBytes: 0 });
    // What was sent to in between, and is free now.
    expect(resume.zeroBefore(later.extents)).toEqual(used.extents);
    // That was not flushed either, and now the places of both maps may hold anything.
    expect(resume.zeroBefore([])).toEqual(mergeExtents([...used.extents, ...later.extents]));
    resume.madeDurable({
      ranges: [],
      zeroed: [{ offsetBytes: 0, lengthBytes: BLOCK }],
      digests: [],
      prepared: [],
      payloadBytes: 0,
    });
    expect(totalBytes(resume.zeroBefore([]))).toBe(0);
    expect(resume.doneBytes).toBe(BLOCK);
  });

  it('go by what is zero, also where the digest of a block that was durably zeroed again is lost', async () => {
    const resume = new DiskResume(DISK_BYTES);
    const durable = { ranges: [], digests: [], payloadBytes: 0 };
    const all = [{ offsetBytes: 0, lengthBytes: DISK_BYTES }];
    resume.madeDurable({ ...durable, zeroed: [], prepared: all });
    const [durably, lost] = [0, 1].map((index) => ({ offsetBytes: index * BLOCK, lengthBytes: BLOCK }));
    if (durably === undefined || lost === undefined) return;
    for (const range of [durably, lost]) resume.zeroing(range);
    resume.madeDurable({ ...durable, zeroed: [durably], prepared: [] });
    // What was durably zeroed again is zero, as it was before; what was not may hold anything.
    await resume.keepKnown(DigestTable.unknown(DISK_BYTES, 'blake3'));
    expect(resume.doneBytes).toBe(0);
    expect(resume.zeroBefore([])).toEqual([lost]);
  });

  it('have everything sent again for which the caller has lost the digest', async () => {
    const used = usedMapOf(DISK_BYTES, [{ offsetBytes: 0, lengthBytes: DISK_BYTES }]);
    const target = new FragileTarget();
    const resume = new DiskResume(DISK_BYTES);
    const view = { content: contentOf(1), used };
    await run(target, {
      view,
      baseline: null,
      digests: DigestTable.unknown(DISK_BYTES, 'blake3'),
      resume,
      requests: 1e9,
    });
    target.kept.clear();
    const digests = DigestTable.unknown(DISK_BYTES, 'blake3');
    const { read } = await run(target, { view, baseline: null, digests, resume, requests: 1e9 });
    expect(read.size).toBe(BLOCKS);
    expect(await digests.rootDigest()).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('a round that knows which blocks may differ', () => {
  const used = usedMapOf(DISK_BYTES, [{ offsetBytes: 0, lengthBytes: DISK_BYTES - 4 * BLOCK }]);
  const view = { content: contentOf(1), used };
  const round = { view, requests: 1e9 };

  it('reads those and what is not known, and nothing else', async () => {
    const { target, table } = knownFrom(view, (index) => index !== 5);
    const content = Buffer.from(view.content);
    for (const index of [2, 3, 17]) blockOf(content, index).fill(`new ${index}`);
    const { completed, read } = await run(target, {
      ...{ ...round, resume: new DiskResume(DISK_BYTES), view: { content, used } },
      ...{ baseline: table, digests: table, dirty: new Set([2, 3, 8, 17, BLOCKS - 1]) },
    });
    expect(completed).toBe(true);
    expect([...read].sort((a, b) => a - b)).toEqual([2, 3, 5, 8, 17]);
    expect(target.disk.equals(canonical({ content, used }))).toBe(true);
    expectTrueTable(table, target);
    expect(await table.rootDigest()).toMatch(/^[0-9a-f]{64}$/);
  });

  it('reads everything where nothing is known of the target', async () => {
    const { read } = await run(new FragileTarget(), {
      ...{ ...round, resume: new DiskResume(DISK_BYTES) },
      ...{ baseline: null, digests: DigestTable.unknown(DISK_BYTES, 'blake3'), dirty: new Set() },
    });
    expect(read.size).toBe(BLOCKS - 4);
  });
});

/** Attempts that are cut off after so many requests each, then one that is not. */
async function untilDone(
  target: FragileTarget,
  round: Omit<Attempt, 'requests'>,
  requests: readonly number[],
): Promise<void> {
  for (const limit of [...requests, Number.POSITIVE_INFINITY]) {
    const doneBefore = round.resume.doneBytes;
    await run(target, { ...round, requests: limit });
    expect(round.resume.doneBytes).toBeGreaterThanOrEqual(doneBefore);
    expectTrueTable(round.digests, target);
  }
  expect(round.resume.doneBytes).toBe(DISK_BYTES);
}

/** Blocks that the last attempt read are as that one saw them; every other is as some attempt did. */
function expectSeen(disk: Buffer, views: readonly Buffer[], read: ReadonlySet<number>): void {
  for (let index = 0; index < BLOCKS; index += 1) {
    const candidates = read.has(index) ? views.slice(-1) : views;
    if (!candidates.some((view) => blockOf(view, index).equals(blockOf(disk, index)))) {
      expect.fail(`block ${index} is as no attempt saw it`);
    }
  }
}

/** Knows what is lent. */
class WatchedPool<T> extends Pool<T> {
  lent = 0;

  override async take(signal?: AbortSignal): Promise<T> {
    const item = await super.take(signal);
    this.lent += 1;
    return item;
  }

  override give(item: T): void {
    this.lent -= 1;
    super.give(item);
  }
}

describe('buffers that rounds share', () => {
  it('all come back when a path is lost while a FLUSH is waited for', async () => {
    const diskBytes = 2 * UNFLUSHED_LIMIT_BYTES;
    const stop = new AbortController();
    const buffers = new WatchedPool(alignedSlots(3, RUN_BYTES));
    let loseThePath = (_: Error): void => undefined;
    let answeredBytes = 0;
    const target = {
      write: async (_offsetBytes: number, payload: Uint8Array) => {
        answeredBytes += payload.length;
        await nextTurn();
      },
      zero: async () => 0,
      flush: () => new Promise<void>((_, reject) => (loseThePath = reject)),
    };
    const options = {
      diskId: 'd',
      source: {
        sizeBytes: diskBytes,
        read: async (into: Uint8Array) => void into.fill(1),
        close: async () => undefined,
      },
      used: usedMapOf(diskBytes, [{ offsetBytes: 0, lengthBytes: diskBytes }]),
      target: { host: '', port: 0, exportName: '' },
      baseline: null,
      digests: DigestTable.unknown(diskBytes, 'sha256'),
      resume: new DiskResume(diskBytes),
      buffers,
    };
    const ended = new DiskRound(options, target, stop, stop.signal).run().catch((error: unknown) => String(error));
    await vi.waitFor(() => expect([answeredBytes >= UNFLUSHED_LIMIT_BYTES, buffers.lent]).toEqual([true, 1]));
    loseThePath(new Error('path lost'));
    expect(await ended).toContain('path lost');
    expect(buffers.lent).toBe(0);
  });
});
