import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_THROTTLE, UNLIMITED_THROTTLE, type ThrottleSettings } from '#libs/contracts';
import { MachinePace, type DiskPace, type PaceClock } from './machine-pace.js';
import { wireBytesOf } from './transfer-pace.js';

const MIB = 1024 * 1024;
const CAP = 37_500_000;
const never = new AbortController().signal;
const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Time that passes when it is told to; everything that is due happens in its order. */
class ManualClock implements PaceClock {
  atMs = 0;
  wakeUps = 0;
  startsAt = new Date('2026-03-02T00:00:00Z');
  #timers: { readonly dueMs: number; readonly action: () => void }[] = [];

  nowMs(): number {
    return this.atMs;
  }

  now(): Date {
    return new Date(this.startsAt.getTime() + this.atMs);
  }

  get pending(): number {
    return this.#timers.length;
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { dueMs: this.atMs + delayMs, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  async pass(durationMs: number): Promise<void> {
    const untilMs = this.atMs + durationMs;
    await turn();
    for (;;) {
      const due = this.#timers.toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined || due.dueMs > untilMs) break;
      this.#timers = this.#timers.filter((each) => each !== due);
      this.atMs = Math.max(this.atMs, due.dueMs);
      this.wakeUps += 1;
      due.action();
      await turn();
    }
    this.atMs = untilMs;
  }
}

const NO_STATISTICS = { leastRequestBytes: MIB, read: async () => null };

describe('the pace of a machine', () => {
  let clock: ManualClock;
  let pace: MachinePace;
  let disk: DiskPace;
  const settings = (changes: Partial<ThrottleSettings>): void => pace.adjust({ ...UNLIMITED_THROTTLE, ...changes });
  beforeEach(async () => {
    clock = new ManualClock();
    pace = new MachinePace(clock, async () => NO_STATISTICS);
    disk = await pace.ofDisk('/dev/a', false);
  });

  /** Writes one after the other on so many connections, until the signal aborts; @returns wire bytes so far */
  const writer = (bytes: number, of: DiskPace = disk, signal = never): (() => number) => {
    let sent = 0;
    const again = async (): Promise<void> => {
      for (;;) await of.write(bytes, async () => void (sent += wireBytesOf(bytes)), signal);
    };
    again().catch(() => undefined);
    return () => sent;
  };

  const reader = (of: DiskPace, readMs: number, signal = never): { readonly count: () => number } => {
    let count = 0;
    const read = (): Promise<void> => new Promise((resolve) => clock.after(readMs, resolve));
    const again = async (): Promise<void> => {
      for (;;) {
        await of.read(MIB, read, signal);
        count += 1;
      }
    };
    again().catch(() => undefined);
    return { count: () => count };
  };

  describe('on the network', () => {
    it('holds the default cap over all connections and disks, overhead included, with few wake-ups', async () => {
      pace.adjust({ ...DEFAULT_THROTTLE, storageShare: null });
      const other = await pace.ofDisk('/dev/b', false);
      const senders = [writer(MIB), writer(MIB), writer(MIB, other), writer(4096, other)];
      await clock.pass(20_000);
      const sent = senders.reduce((sum, count) => sum + count(), 0);
      expect(sent).toBeLessThanOrEqual(CAP * 20 + 2 * MIB);
      expect(sent).toBeGreaterThan(CAP * 20 * 0.97);
      expect(clock.wakeUps / 20).toBeLessThan(60);
      for (const count of senders) expect(count()).toBeGreaterThan(0);
    });

    it('takes another cap at once, also for those who wait', async () => {
      settings({ networkBytesPerSecond: 125_000 });
      const sent = writer(MIB);
      await clock.pass(1_000);
      expect(sent()).toBe(0);
      settings({ networkBytesPerSecond: 100_000_000 });
      await clock.pass(100);
      expect(sent()).toBeGreaterThan(8 * MIB);
      settings({ networkBytesPerSecond: 1_000_000 });
      const before = sent();
      await clock.pass(10_000);
      expect(sent() - before).toBeLessThanOrEqual(10_000_000 + 2 * MIB);
      expect(sent() - before).toBeGreaterThan(7_000_000);
    });

    it('lets those who wait go when there is no cap any more', async () => {
      settings({ networkBytesPerSecond: 125_000 });
      let isDone = false;
      void disk.write(MIB, async () => void (isDone = true), never);
      await clock.pass(1);
      expect(isDone).toBe(false);
      settings({});
      await clock.pass(0);
      expect(isDone).toBe(true);
    });

    it('ends waiting at once when the signal aborts, and the next one does not wait longer for it', async () => {
      settings({ networkBytesPerSecond: 1_000_000 });
      const stop = new AbortController();
      let isSent = false;
      const large = disk.write(MIB, async () => undefined, stop.signal);
      const small = disk.write(1, async () => void (isSent = true), never);
      await clock.pass(10);
      expect(isSent).toBe(false);
      stop.abort(new Error('enough'));
      await expect(large).rejects.toThrow('enough');
      await clock.pass(0);
      expect(isSent).toBe(true);
      await small;
      await expect(disk.write(1, async () => undefined, stop.signal)).rejects.toThrow('enough');
      await expect(disk.read(1, async () => undefined, stop.signal)).rejects.toThrow('enough');
    });
  });

  describe('on the storage', () => {
    it('has as many reads in flight as the queue depth, over all disks', async () => {
      settings({ storageQueueDepth: 4 });
      const disks = [disk, await pace.ofDisk('/dev/b', false), await pace.ofDisk('/dev/c', false)];
      let inFlight = 0;
      let most = 0;
      const read = async (): Promise<void> => {
        inFlight += 1;
        most = Math.max(most, inFlight);
        await new Promise<void>((resolve) => clock.after(5, resolve));
        inFlight -= 1;
      };
      const all = Promise.all(disks.flatMap((each) => Array.from({ length: 10 }, () => each.read(MIB, read, never))));
      await clock.pass(500);
      await all;
      expect(most).toBe(4);
    });

    it('keeps each disk busy for its share of the time, and no longer', async () => {
      settings({ storageShare: 0.3 });
      const other = await pace.ofDisk('/dev/b', false);
      const [a, b] = [reader(disk, 2), reader(other, 2)];
      await clock.pass(60_000);
      for (const { count } of [a, b]) {
        expect((count() * 2) / 60_000).toBeLessThanOrEqual(0.3);
        expect((count() * 2) / 60_000).toBeGreaterThan(0.27);
      }
      expect(clock.wakeUps).toBeLessThan(a.count() + b.count() + 60 * 25);
    });

    it('reads a source that is held still without a share: nobody else needs the disk', async () => {
      settings({ storageShare: 0.05 });
      const held = await pace.ofDisk('/dev/a', true);
      const { count } = reader(held, 2);
      await clock.pass(10_000);
      expect(count()).toBeGreaterThan(4_900);
      // It owes nothing for that afterwards.
      const { count: later } = reader(disk, 2);
      await clock.pass(2_000);
      expect(later()).toBeGreaterThan(0);
    });

    it('is not kept busy by a read that failed', async () => {
      settings({ storageQueueDepth: 1 });
      const failing = disk.read(MIB, () => Promise.reject(new Error('bad sector')), never);
      await expect(failing).rejects.toThrow('bad sector');
      await expect(disk.read(MIB, async () => 7, never)).resolves.toBe(7);
    });

    it('gives way while the requests of the source are slow, and takes its share back afterwards', async () => {
      let writeMs = 4;
      let statistics = { readRequests: 0, readTicksMs: 0, writeRequests: 1_000, writeTicksMs: 4_000 };
      const busy = new MachinePace(clock, async () => ({
        leastRequestBytes: MIB,
        read: async () => {
          const { writeRequests, writeTicksMs } = statistics;
          statistics = {
            ...statistics,
            writeRequests: writeRequests + 100,
            writeTicksMs: writeTicksMs + 100 * writeMs,
          };
          return statistics;
        },
      }));
      busy.adjust({ ...UNLIMITED_THROTTLE, storageShare: 0.4 });
      const { count } = reader(await busy.ofDisk('/dev/sda', false), 1);
      const inNext = async (ms: number): Promise<number> => {
        const before = count();
        await clock.pass(ms);
        return (count() - before) / ms;
      };
      expect(await inNext(20_000)).toBeGreaterThan(0.35);
      writeMs = 80;
      await clock.pass(8_000);
      const whileSlow = await inNext(20_000);
      expect(whileSlow).toBeLessThan(0.06);
      expect(whileSlow).toBeGreaterThan(0.03);
      expect(busy.figures.givesWay).toBe(true);
      writeMs = 4;
      await clock.pass(30_000);
      expect(await inNext(20_000)).toBeGreaterThan(0.35);
      expect(busy.figures.givesWay).toBe(false);
    });
  });

  it("does not give way to itself: a disk that splits our reads, and is slow, is nobody else's", async () => {
    let reads = 0;
    let ticksMs = 0;
    const alone = new MachinePace(clock, async () => ({
      leastRequestBytes: MIB / 2,
      read: async () => ({
        readRequests: 1_000 + reads,
        readTicksMs: 1_000 + ticksMs,
        writeRequests: 0,
        writeTicksMs: 0,
      }),
    }));
    alone.adjust({ ...UNLIMITED_THROTTLE, storageShare: 0.5 });
    const own = await alone.ofDisk('/dev/sda', false);
    void (async () => {
      for (;;) {
        await own.read(MIB, () => new Promise<void>((resolve) => clock.after(40, resolve)), never);
        reads += 2;
        ticksMs += 80;
      }
    })();
    await clock.pass(20_000);
    expect(reads).toBeGreaterThan(400);
    expect(alone.figures.givesWay).toBe(false);
  });

  it('follows its calendar by itself, without anybody adjusting it', async () => {
    clock.startsAt = new Date('2026-03-02T07:59:30Z');
    pace.adjust({
      ...UNLIMITED_THROTTLE,
      networkBytesPerSecond: 10_000_000,
      calendar: {
        timeZone: 'UTC',
        windows: [{ days: ['monday'], from: '08:00', to: '18:00', networkBytesPerSecond: 1_000_000 }],
      },
    });
    const sent = writer(MIB);
    await clock.pass(29_000);
    expect(sent()).toBeGreaterThan(270_000_000);
    expect(pace.figures.caps).toMatchObject({ networkBytesPerSecond: 10_000_000, isByCalendar: false });
    await clock.pass(3_000);
    const before = sent();
    await clock.pass(10_000);
    expect(sent() - before).toBeLessThan(10_000_000 + 2 * MIB);
    expect(pace.figures.caps).toMatchObject({ networkBytesPerSecond: 1_000_000, isByCalendar: true });
  });

  it('tells what it measured: the rate, and what link and storage could do', async () => {
    settings({ networkBytesPerSecond: 10_000_000, storageShare: 0.5 });
    const wire = wireBytesOf(MIB);
    void (async () => {
      for (;;) await disk.write(MIB, () => new Promise<void>((resolve) => clock.after(10, resolve)), never);
    })();
    reader(disk, 4);
    await clock.pass(15_000);
    const { sentBytesPerSecond, linkBytesPerSecond, storageBytesPerSecond } = pace.figures;
    expect(sentBytesPerSecond / 10_000_000).toBeCloseTo(1, 1);
    expect((linkBytesPerSecond ?? 0) / (wire * 100)).toBeCloseTo(1, 1);
    expect((storageBytesPerSecond ?? 0) / ((MIB / 4) * 1000 * 0.5)).toBeCloseTo(1, 1);
  });

  it('sets no timer while nobody waits and no disk is open', async () => {
    disk.close();
    await clock.pass(0);
    expect(clock.pending).toBe(0);
    const again = await pace.ofDisk('/dev/a', false);
    await clock.pass(5_000);
    expect(clock.pending).toBe(1);
    again.close();
    await clock.pass(5_000);
    expect(clock.pending).toBe(0);
  });

  it('never lets more pass than its cap, however it is adjusted', async () => {
    const step = fc.record({
      cap: fc.integer({ min: 125_000, max: 50_000_000 }),
      ms: fc.integer({ min: 0, max: 500 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.array(fc.integer({ min: 0, max: 2 * MIB }), { minLength: 1, maxLength: 4 }),
        async (steps, sizes) => {
          const time = new ManualClock();
          const paced = new MachinePace(time, async () => NO_STATISTICS);
          const stop = new AbortController();
          paced.adjust({ ...UNLIMITED_THROTTLE, networkBytesPerSecond: 125_000 });
          const one = await paced.ofDisk('/dev/x', false);
          const senders = sizes.map((bytes) => writer(bytes, one, stop.signal));
          let allowed = 2 * MIB;
          for (const { cap, ms } of steps) {
            paced.adjust({ ...UNLIMITED_THROTTLE, networkBytesPerSecond: cap });
            await time.pass(ms);
            allowed += (cap * ms) / 1000;
            expect(senders.reduce((sum, sent) => sum + sent(), 0)).toBeLessThanOrEqual(allowed + 1);
          }
          stop.abort(new Error('over'));
          one.close();
        },
      ),
      { numRuns: 40 },
    );
  });
});
