import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endOf, mergeExtents, type ExtentList } from '../extents/byte-extents.js';
import { differenceOf, packExtents } from './used-difference.js';

const BYTES = 60;
const list = fc
  .array(fc.record({ offsetBytes: fc.nat(BYTES - 10), lengthBytes: fc.integer({ min: 1, max: 9 }) }), { maxLength: 8 })
  .map((ranges) => mergeExtents(ranges));

const bytesIn = (extents: ExtentList): boolean[] =>
  Array.from({ length: BYTES }, (_, byte) =>
    extents.some((extent) => extent.offsetBytes <= byte && byte < endOf(extent)),
  );

describe('the difference of two lists of used bytes', () => {
  it('has the bytes that are in one of them alone', () => {
    fc.assert(
      fc.property(list, list, (before, after) => {
        const difference = [...differenceOf(packExtents(before), packExtents(after))];
        const [inBefore, inAfter] = [bytesIn(before), bytesIn(after)];
        expect(bytesIn(difference)).toEqual(inBefore.map((is, byte) => is !== inAfter[byte]));
      }),
    );
  });

  it('finds single bytes that became used or free', () => {
    const before = packExtents([{ offsetBytes: 10, lengthBytes: 10 }]);
    expect([...differenceOf(before, packExtents([{ offsetBytes: 9, lengthBytes: 10 }]))]).toEqual([
      { offsetBytes: 9, lengthBytes: 1 },
      { offsetBytes: 19, lengthBytes: 1 },
    ]);
  });
});
