import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BusyShare } from './busy-share.js';

const MINUTE_MS = 60_000;
const RUN_MS = 2.5 * MINUTE_MS;

/** Busy intervals of a device whose reader begins whenever it may, up to a queue depth, with reads of these lengths. */
const busyIntervals = (
  share: BusyShare,
  depth: number,
  readMs: () => number,
  onStep: (nowMs: number) => void = () => undefined,
): [number, number][] => {
  const intervals: [number, number][] = [];
  const ends: number[] = [];
  let busySince: number | null = null;
  for (let nowMs = 0; nowMs < RUN_MS;) {
    onStep(nowMs);
    for (const due of ends.filter((end) => end <= nowMs)) {
      ends.splice(ends.indexOf(due), 1);
      share.end(nowMs);
    }
    while (ends.length < depth && share.mayBegin(nowMs)) {
      share.begin(nowMs);
      ends.push(nowMs + readMs());
    }
    if (ends.length > 0) busySince ??= nowMs;
    else if (busySince !== null) {
      intervals.push([busySince, nowMs]);
      busySince = null;
    }
    const wakeMs = ends.length < depth ? [nowMs + Math.max(1, Math.ceil(share.msUntilMayBegin(nowMs)))] : [];
    nowMs = Math.min(RUN_MS, ...ends, ...wakeMs);
  }
  if (busySince !== null) intervals.push([busySince, RUN_MS]);
  return intervals;
};

const busyBetween = (intervals: readonly [number, number][], fromMs: number, toMs: number): number =>
  intervals.reduce((sum, [begin, end]) => sum + Math.max(0, Math.min(end, toMs) - Math.max(begin, fromMs)), 0);

/** Beginnings and ends of busy times are where a minute holds most. */
const mostOfAnyMinute = (intervals: readonly [number, number][]): number =>
  Math.max(
    ...intervals.flatMap(([begin, end]) => [
      busyBetween(intervals, begin, begin + MINUTE_MS),
      busyBetween(intervals, end - MINUTE_MS, end),
    ]),
  );

const nextOf = (stream: Iterator<number>): number => {
  const { value, done } = stream.next();
  return done === true ? 1 : value;
};

describe('the share of time', () => {
  it('is kept in any minute, whatever reads take, and is made use of', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.05, max: 0.9, noNaN: true }),
        fc.integer({ min: 1, max: 8 }),
        fc.infiniteStream(fc.double({ min: 0.5, max: 60, noNaN: true })),
        (cap, depth, lengths) => {
          const share = new BusyShare(cap, 0);
          const intervals = busyIntervals(share, depth, () => nextOf(lengths));
          const most = mostOfAnyMinute(intervals);
          expect(most).toBeLessThanOrEqual(cap * MINUTE_MS);
          expect(most).toBeGreaterThan(cap * MINUTE_MS * 0.85);
          expect(share.busyMs(RUN_MS)).toBeCloseTo(busyBetween(intervals, 0, RUN_MS));
        },
      ),
      { numRuns: 12 },
    );
  });

  it('goes on and rests in spells, not read by read: a fast disk costs few wake-ups', () => {
    const intervals = busyIntervals(new BusyShare(0.3, 0), 4, () => 1);
    expect(intervals.length / (RUN_MS / 1000)).toBeLessThan(12);
  });

  it('takes another share at once', () => {
    const share = new BusyShare(0.01, 0);
    const before = busyIntervals(
      share,
      4,
      () => 2,
      (nowMs) => {
        if (nowMs >= MINUTE_MS) share.adjust(0.5, nowMs);
      },
    );
    expect(busyBetween(before, 0, MINUTE_MS)).toBeLessThanOrEqual(0.01 * MINUTE_MS);
    expect(busyBetween(before, MINUTE_MS, 2 * MINUTE_MS)).toBeGreaterThan(0.42 * MINUTE_MS);
    const waiting = new BusyShare(0.01, 0);
    expect(waiting.msUntilMayBegin(0)).toBeGreaterThan(0);
    waiting.adjust(null, 0);
    expect([waiting.mayBegin(0), waiting.msUntilMayBegin(0)]).toEqual([true, 0]);
  });

  it('forgives most of what one very long read owes', () => {
    const share = new BusyShare(0.3, 0);
    share.begin(0);
    share.end(10 * MINUTE_MS);
    expect(share.msUntilMayBegin(10 * MINUTE_MS)).toBeLessThan(MINUTE_MS);
  });
});
