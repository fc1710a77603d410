import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PaceFigures } from './machine-pace.js';
import { estimateRound } from './round-estimate.js';
import { wireBytesOf } from './transfer-pace.js';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const CAP = 37_500_000;
const WIRE = wireBytesOf(MIB) / MIB;
const FULL = { plannedBytes: 50 * GIB, processedBytes: 0, sentBytes: 0 };
const UNKNOWN: PaceFigures = {
  caps: { networkBytesPerSecond: CAP, storageShare: 0.3, isByCalendar: false },
  sentBytesPerSecond: 0,
  linkBytesPerSecond: null,
  storageBytesPerSecond: null,
  givesWay: false,
};

describe('the estimate of a round', () => {
  it('comes from the cap before anything is measured', () => {
    const pace = estimateRound(FULL, UNKNOWN);
    expect(pace).toMatchObject({ limitedBy: 'network-cap', networkBytesPerSecond: CAP, storageShare: 0.3 });
    expect(pace.remainingMs).toBeCloseTo(((50 * GIB * WIRE) / CAP) * 1000);
  });

  it('knows nothing without a cap and a measurement', () => {
    const caps = { ...UNKNOWN.caps, networkBytesPerSecond: null };
    expect(estimateRound(FULL, { ...UNKNOWN, caps })).toMatchObject({
      expectedBytesPerSecond: null,
      remainingMs: null,
      limitedBy: null,
    });
  });

  it.each([
    ['network-cap', 100_000_000, 100_000_000, CAP],
    ['link', 10_000_000, 100_000_000, 10_000_000],
    ['storage-cap', 100_000_000, 5_000_000, 5_000_000 * WIRE],
  ] as const)(
    'is by the least of cap, link and storage: %s',
    (limitedBy, linkBytesPerSecond, storageBytesPerSecond, wireRate) => {
      const pace = estimateRound(FULL, { ...UNKNOWN, linkBytesPerSecond, storageBytesPerSecond });
      expect(pace.limitedBy).toBe(limitedBy);
      expect(pace.expectedBytesPerSecond).toBeCloseTo(wireRate / WIRE);
      expect(pace.remainingMs).toBeCloseTo(((50 * GIB) / (wireRate / WIRE)) * 1000);
    },
  );

  it('tells a source that needs its disk, and a disk that is slow, from a cap', () => {
    const slow = { ...UNKNOWN, storageBytesPerSecond: 1_000_000 };
    expect(estimateRound(FULL, { ...slow, givesWay: true }).limitedBy).toBe('source-latency');
    const caps = { ...UNKNOWN.caps, storageShare: null };
    expect(estimateRound(FULL, { ...slow, caps }).limitedBy).toBe('storage');
  });

  it('counts the network for what is sent alone: comparing is limited by the storage', () => {
    const standing = { plannedBytes: 100 * GIB, processedBytes: 50 * GIB, sentBytes: GIB / 2 };
    const figures = { ...UNKNOWN, storageBytesPerSecond: 200_000_000, linkBytesPerSecond: 100_000_000 };
    const pace = estimateRound(standing, figures);
    expect(pace).toMatchObject({ limitedBy: 'storage-cap', expectedBytesPerSecond: 200_000_000 });
    expect(pace.remainingMs).toBeCloseTo((50 * GIB) / 200_000);
    expect(estimateRound({ ...standing, sentBytes: 25 * GIB }, figures).limitedBy).toBe('network-cap');
  });

  it('never promises more than any of the three allows, nor less than the least', () => {
    const some = fc.option(fc.integer({ min: 125_000, max: 1_000_000_000 }));
    fc.assert(
      fc.property(some, some, some, (cap, link, storage) => {
        const pace = estimateRound(FULL, {
          ...UNKNOWN,
          caps: { ...UNKNOWN.caps, networkBytesPerSecond: cap },
          linkBytesPerSecond: link,
          storageBytesPerSecond: storage,
        });
        const limits = [cap, link].flatMap((rate) => (rate === null ? [] : [rate / WIRE]));
        const least = Math.min(...limits, storage ?? Infinity);
        expect(pace.expectedBytesPerSecond).toBe(least === Infinity ? null : least);
      }),
    );
  });
});
