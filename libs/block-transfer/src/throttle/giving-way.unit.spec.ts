import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GivingWay, LEAST_PART, type OthersLatency } from './giving-way.js';

const writes = (writeMs: number | null): OthersLatency => ({ readMs: null, writeMs });
const observe = (way: GivingWay, latency: OthersLatency, times: number): number[] =>
  Array.from({ length: times }, () => {
    way.observe(latency);
    return way.part;
  });

describe('giving way to the source', () => {
  it('halves its part while the source is slow, down to a part that is always left', () => {
    const way = new GivingWay(writes(4));
    expect(observe(way, writes(20), 8)).toEqual([1, 0.5, 0.5, 0.25, 0.25, LEAST_PART, LEAST_PART, LEAST_PART]);
  });

  it('takes it back step by step when the source is calm, or idle', () => {
    const way = new GivingWay(writes(4));
    observe(way, writes(20), 4);
    expect(observe(way, writes(4), 3)).toEqual([0.25, 0.25, 0.375]);
    expect(observe(way, writes(null), 15).at(-1)).toBe(1);
  });

  it('changes nothing between the thresholds, nor for a single slow interval', () => {
    const way = new GivingWay(writes(4));
    observe(way, writes(20), 2);
    expect(observe(way, writes(7), 20).at(-1)).toBe(0.5);
    const other = new GivingWay(writes(4));
    for (let round = 0; round < 10; round += 1) {
      other.observe(writes(20));
      other.observe(writes(4));
    }
    expect(other.part).toBe(1);
  });

  it('takes little latency for what it is: twice of next to nothing is not slow', () => {
    expect(observe(new GivingWay(writes(0.1)), writes(1.5), 50).at(-1)).toBe(1);
  });

  it('looks at reads as it does at writes', () => {
    expect(observe(new GivingWay({ readMs: 3, writeMs: 3 }), { readMs: 30, writeMs: 3 }, 2).at(-1)).toBe(0.5);
  });

  it('learns what is usual from what it sees when nothing was known', () => {
    const way = new GivingWay();
    observe(way, writes(4), 3);
    expect(observe(way, writes(20), 2).at(-1)).toBe(0.5);
  });

  it('never leaves its bounds', () => {
    const latency = fc.option(fc.double({ min: 0, max: 10_000, noNaN: true }));
    fc.assert(
      fc.property(fc.array(fc.record({ readMs: latency, writeMs: latency }), { maxLength: 200 }), (seen) => {
        const way = new GivingWay();
        for (const each of seen) {
          way.observe(each);
          expect(way.part).toBeGreaterThanOrEqual(LEAST_PART);
          expect(way.part).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
