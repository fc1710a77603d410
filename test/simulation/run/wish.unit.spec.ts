import { describe, expect, it } from 'vitest';
import { WishError, wishOf } from './wish.js';

describe('what somebody wants simulated', () => {
  it('is a thousand runs when nothing is said', () => {
    expect(wishOf([])).toEqual({ firstSeed: 1, runs: 1_000, mutation: null, workers: 2 });
  });

  it('is one run when only its seed is said, and so many from there on otherwise', () => {
    expect(wishOf(['--seed', '7'])).toMatchObject({ firstSeed: 7, runs: 1 });
    expect(wishOf(['--seed', '7', '--runs', '20'])).toMatchObject({ firstSeed: 7, runs: 20 });
  });

  it('is refused when it makes no sense', () => {
    for (const args of [['--runs', '0'], ['--seed', 'x'], ['--mutation', 'nothing'], ['--run', '5'], ['5']]) {
      expect(() => wishOf(args)).toThrow(WishError);
    }
  });
});
