import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinRanges } from './acknowledged-ranges.js';

const range = (offsetBytes: number, lengthBytes: number): { offsetBytes: number; lengthBytes: number } => ({
  offsetBytes,
  lengthBytes,
});

describe('joinRanges', () => {
  it('sorts, and joins what touches or overlaps', () => {
    expect(joinRanges([range(8, 4), range(0, 2), range(2, 2), range(9, 1), range(20, 1)])).toEqual([
      range(0, 4),
      range(8, 4),
      range(20, 1),
    ]);
  });

  it('covers exactly the same bytes, with gaps between all ranges', () => {
    const ranges = fc.array(fc.record({ offsetBytes: fc.nat(60), lengthBytes: fc.integer({ min: 1, max: 10 }) }));
    const covered = (all: readonly { offsetBytes: number; lengthBytes: number }[]): number[] => [
      ...new Set(all.flatMap((one) => Array.from({ length: one.lengthBytes }, (_, index) => one.offsetBytes + index))),
    ];
    fc.assert(
      fc.property(ranges, (given) => {
        const joined = joinRanges(given);
        expect(covered(joined)).toEqual(covered(given).sort((a, b) => a - b));
        for (const [index, one] of joined.entries()) {
          const next = joined[index + 1];
          if (next !== undefined) expect(next.offsetBytes).toBeGreaterThan(one.offsetBytes + one.lengthBytes);
        }
      }),
    );
  });
});
