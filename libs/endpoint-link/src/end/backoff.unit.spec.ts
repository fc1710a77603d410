import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BACKOFF_MAX_MS, backoffDelayMs } from './backoff.js';

describe('backoffDelayMs', () => {
  it('doubles from half a second up to its limit', () => {
    const longest = [0, 1, 2, 3, 4, 5, 6, 7].map((attempt) => backoffDelayMs(attempt, 1 - Number.EPSILON));
    expect(longest).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000, 8000]);
  });

  it('spreads over the upper half', () => {
    expect(backoffDelayMs(2, 0)).toBe(1000);
    expect(backoffDelayMs(2, 0.5)).toBe(1500);
  });

  it('is never below a quarter of a second nor above its limit', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
        const delayMs = backoffDelayMs(attempt, random);
        expect(delayMs).toBeGreaterThanOrEqual(250);
        expect(delayMs).toBeLessThanOrEqual(BACKOFF_MAX_MS);
      }),
    );
  });
});
