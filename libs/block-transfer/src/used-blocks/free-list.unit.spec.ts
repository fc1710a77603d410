import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ByteRange } from '#libs/contracts';
import { clipExtents, endOf, mergeExtents, totalBytes } from '../extents/byte-extents.js';
import { FreeList } from './free-list.js';

const KIB = 1024;
const BLOCK = 64 * KIB;
const START = 3 * BLOCK + 4 * KIB;

const freeLists = fc.array(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 60 })), { maxLength: 200 }).map((pieces) => {
  let cursor = 0;
  return pieces.map(([gap, length]): ByteRange => {
    const offsetBytes = cursor + gap * 4 * KIB;
    cursor = offsetBytes + length * 4 * KIB;
    return { offsetBytes, lengthBytes: length * 4 * KIB };
  });
});

function listOf(extents: readonly ByteRange[], maxExtents?: number): ByteRange[] {
  const list = new FreeList(START, maxExtents);
  for (const { offsetBytes, lengthBytes } of extents) list.add(offsetBytes, lengthBytes);
  return list.extents();
}

function onDisk(extents: readonly ByteRange[]): ByteRange[] {
  return mergeExtents(extents.map((extent) => ({ ...extent, offsetBytes: extent.offsetBytes + START })));
}

describe('FreeList', () => {
  it('is the list of what was added, in bytes of the disk, while there is room', () => {
    fc.assert(
      fc.property(freeLists, (extents) => {
        expect(listOf(extents)).toEqual(onDisk(extents));
      }),
    );
  });

  it('is never longer than it may be, never calls anything free that is not, and is coarse when it is too long', () => {
    fc.assert(
      fc.property(freeLists, fc.integer({ min: 2, max: 20 }), (extents, maxExtents) => {
        const all = onDisk(extents);
        const kept = listOf(extents, maxExtents);
        expect(kept.length).toBeLessThanOrEqual(maxExtents);
        for (const extent of kept) expect(totalBytes(clipExtents(all, extent))).toBe(extent.lengthBytes);
        expect(mergeExtents(kept)).toEqual(kept);
        if (all.length <= maxExtents) expect(kept).toEqual(all);
        else
          for (const { offsetBytes, lengthBytes } of kept)
            expect([offsetBytes % BLOCK, lengthBytes % BLOCK]).toEqual([0, 0]);
      }),
    );
  });

  it('keeps what is large', () => {
    const small = Array.from({ length: 1000 }, (_, index) => ({ offsetBytes: index * 8 * KIB, lengthBytes: 4 * KIB }));
    const large = { offsetBytes: 10_000 * KIB, lengthBytes: 1000 * BLOCK };
    const [only, ...others] = listOf([...small, large], 10);
    expect(others).toEqual([]);
    expect(only!.lengthBytes).toBeGreaterThan(998 * BLOCK);
    expect(endOf(only!)).toBeLessThanOrEqual(START + endOf(large));
  });

  it('does not take what overlaps, or comes too late', () => {
    const list = new FreeList(0);
    list.add(8192, 4096);
    expect(() => list.add(4096, 4096)).toThrow(RangeError);
    expect(() => list.add(8192, 4096)).toThrow(RangeError);
  });
});
