import { describe, expect, it } from 'vitest';
import { inWords } from './quantities-in-words.js';

describe('inWords', () => {
  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1000, '1 kB'],
    [1_500_000, '1.5 MB'],
    [16 * 10 ** 12, '16 TB'],
    [16_100_000_000_000, '16.1 TB'],
    [Number.MAX_SAFE_INTEGER, '9 PB'],
  ])('%i is %s', (sizeBytes, words) => {
    expect(inWords(sizeBytes)).toBe(words);
  });
});
