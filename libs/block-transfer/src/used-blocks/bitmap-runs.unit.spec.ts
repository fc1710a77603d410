import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areUsed, countFree, eachFreeRun, markUsed } from './bitmap-runs.js';

const bitmaps = fc.array(fc.oneof(fc.constantFrom(0, 0xff), fc.nat(255)), { minLength: 1, maxLength: 40 });

function bitOf(bytes: readonly number[], bit: number): number {
  return ((bytes[Math.floor(bit / 8)] ?? 0) >> (bit % 8)) & 1;
}

function runsOf(bytes: readonly number[], bits: number): [number, number][] {
  const runs: [number, number][] = [];
  eachFreeRun(Uint8Array.from(bytes), bits, (first, count) => runs.push([first, count]));
  return runs;
}

describe('the runs of a bitmap', () => {
  it('are the zeros and nothing else, each as long as it can be', () => {
    fc.assert(
      fc.property(bitmaps, fc.double({ min: 0, max: 1, noNaN: true }), (bytes, share) => {
        const bits = Math.floor(bytes.length * 8 * share);
        const expected = Array.from({ length: bits }, (_, bit) => bit).filter((bit) => bitOf(bytes, bit) === 0);
        const runs = runsOf(bytes, bits);
        expect(runs.flatMap(([first, count]) => Array.from({ length: count }, (_, index) => first + index))).toEqual(
          expected,
        );
        expect(countFree(Uint8Array.from(bytes), bits)).toBe(expected.length);
        for (const [index, [first]] of runs.entries()) {
          const [before, count] = runs[index - 1] ?? [-2, 1];
          expect(first).toBeGreaterThan(before + count);
        }
      }),
    );
  });

  it('cannot be asked for beyond the bitmap', () => {
    expect(() => runsOf([0], 9)).toThrow(RangeError);
  });

  it('are interrupted by what is marked, which then is used', () => {
    fc.assert(
      fc.property(bitmaps, fc.nat(319), fc.nat(319), (bytes, one, other) => {
        const last = bytes.length * 8;
        const [first, end] = [Math.min(one, other, last), Math.min(Math.max(one, other), last)];
        const wanted = Array.from({ length: last }, (_, bit) => (bit >= first && bit < end ? 1 : bitOf(bytes, bit)));
        const bitmap = Uint8Array.from(bytes);
        const before = Array.from({ length: end - first }, (_, index) => bitOf(bytes, first + index));
        expect(areUsed(bitmap, first, end)).toBe(before.every((bit) => bit === 1));
        markUsed(bitmap, first, end);
        expect(areUsed(bitmap, first, end)).toBe(true);
        expect(Array.from({ length: last }, (_, bit) => bitOf([...bitmap], bit))).toEqual(wanted);
      }),
    );
  });
});
