import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endOf, mergeExtents } from './byte-extents.js';
import { PackedRanges } from './packed-ranges.js';

const anyRanges = fc.array(fc.tuple(fc.nat(20_000), fc.integer({ min: 1, max: 30 })), { maxLength: 3000 });

function packed(ranges: readonly (readonly [number, number])[]): PackedRanges {
  const all = new PackedRanges();
  for (const [start, length] of ranges) all.add(start, start + length);
  all.merge();
  return all;
}

const listOf = (ranges: PackedRanges) =>
  Array.from({ length: ranges.count }, (_, index) => [ranges.startOf(index), ranges.endOf(index)]);

describe('PackedRanges', () => {
  it('merges like lists of objects, whatever overlaps', () => {
    fc.assert(
      fc.property(anyRanges, (ranges) => {
        const expected = mergeExtents(ranges.map(([offsetBytes, lengthBytes]) => ({ offsetBytes, lengthBytes })));
        expect(listOf(packed(ranges))).toEqual(expected.map((range) => [range.offsetBytes, endOf(range)]));
      }),
      { numRuns: 30 },
    );
  });

  it('finds the first one that ends behind a place, and none behind the last', () => {
    const ranges = packed([
      [10, 5],
      [30, 5],
      [12, 8],
    ]);
    expect([0, 10, 19, 20, 34, 35].map((place) => ranges.firstEndingBehind(place))).toEqual([0, 0, 0, 1, 1, 2]);
    // What was merged away is not there any more.
    expect([ranges.count, ranges.startOf(2), ranges.endOf(2)]).toEqual([2, Infinity, Infinity]);
  });

  it('puts others in the place of each', () => {
    const ranges = packed([
      [0, 4],
      [10, 1],
      [20, 6],
    ]);
    ranges.replace((start, end) => (end - start > 1 ? [start + 1, end] : null));
    expect(listOf(ranges)).toEqual([
      [1, 4],
      [21, 26],
    ]);
    expect([...ranges.lengths()]).toEqual([3, 5]);
  });
});
