import { describe, expect, it } from 'vitest';
import { Lifetime } from './lifetime.js';
import { Random } from './random.js';
import { HOUR, SECOND, SimulatedClock } from './simulated-clock.js';
import { underSimulatedDate } from './simulated-date.js';

describe('the simulated clock', () => {
  it('goes off in the order of time, and of setting where the time is the same', async () => {
    const clock = new SimulatedClock();
    const seen: string[] = [];
    const random = new Random(1, 'order');
    const delays = Array.from({ length: 200 }, () => random.integer(0, 20));
    for (const [index, delay] of delays.entries()) clock.after(delay, () => seen.push(`${delay}/${index}`));
    await clock.passUntil(clock.nowMs + SECOND);
    const wanted = [...delays.entries()].sort(([, a], [, b]) => a - b).map(([index, delay]) => `${delay}/${index}`);
    expect(seen).toEqual(wanted);
  });

  it('waits for everything that promises have to do before time goes on', async () => {
    const clock = new SimulatedClock();
    const seen: number[] = [];
    const work = async (): Promise<void> => {
      for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
      seen.push(clock.elapsedMs);
    };
    clock.after(5, () => void work());
    clock.after(6, () => undefined);
    await clock.passUntil(clock.nowMs + SECOND);
    expect(seen).toEqual([5]);
    expect(clock.elapsedMs).toBe(SECOND);
  });

  it('is the only clock while a world is played, and hands the real one back', async () => {
    const clock = new SimulatedClock();
    const before = Date.now();
    await underSimulatedDate(clock, async () => {
      await clock.passUntil(clock.nowMs + HOUR);
      expect(Date.now()).toBe(clock.nowMs);
      expect(new Date().toISOString()).toBe(clock.now);
      expect(new Date('2026-03-01T10:00:00.000Z').getUTCMonth()).toBe(2);
    });
    expect(Date.now()).toBeGreaterThanOrEqual(before);
    expect(Date.now()).not.toBe(clock.nowMs);
  });
});

describe('a lifetime', () => {
  it('lets nobody wake up who waits in it when it is over', async () => {
    const clock = new SimulatedClock();
    const process = new Lifetime(clock);
    const work = process.part();
    const seen: string[] = [];
    void work.sleep(10).then(() => seen.push('work'));
    void process.sleep(10).then(() => seen.push('process'));
    void work.hear(clockPromise(clock, 10)).then(() => seen.push('heard'));
    clock.after(5, () => work.end());
    await clock.passUntil(clock.nowMs + SECOND);
    expect(seen).toEqual(['process']);
  });
});

const clockPromise = (clock: SimulatedClock, delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });

describe('seeded chance', () => {
  it('gives the same for the same seed and purpose, and something else otherwise', () => {
    const draw = (seed: number, purpose: string): string => {
      const random = new Random(seed, purpose);
      return [random.uuid(), random.integer(0, 1e6), random.magnitude(1, 1e9)].join();
    };
    expect(draw(7, 'a')).toBe(draw(7, 'a'));
    expect(new Set([draw(7, 'a'), draw(7, 'b'), draw(8, 'a')]).size).toBe(3);
  });

  it('makes UUIDs that are ones', () => {
    const random = new Random(1, 'ids');
    for (let index = 0; index < 100; index += 1) {
      expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });
});
