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
  return [...list];
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

  it('keeps as many as it may, where all are as large as each other', () => {
    const equal = Array.from({ length: 100 }, (_, index) => ({
      offsetBytes: index * 4 * BLOCK,
      lengthBytes: 3 * BLOCK,
    }));
    const kept = listOf(equal, 10);
    expect(kept.length).toBeGreaterThanOrEqual(5);
    expect(kept.length).toBeLessThanOrEqual(10);
  });

  it('takes them in any order, in parts, and more than once', () => {
    fc.assert(
      fc.property(freeLists, fc.infiniteStream(fc.nat()), (extents, numbers) => {
        const parts = extents.flatMap(({ offsetBytes, lengthBytes }) => [
          { offsetBytes, lengthBytes },
          { offsetBytes, lengthBytes: lengthBytes / 2 },
        ]);
        const ranks = new Map(parts.map((part) => [part, numbers.next().value]));
        const shuffled = parts.toSorted((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0));
        expect(listOf(shuffled)).toEqual(onDisk(extents));
      }),
    );
  });

  it('may be asked in between, and goes on growing', () => {
    const list = new FreeList(START);
    list.add(0, 4096);
    expect([...list]).toEqual([{ offsetBytes: START, lengthBytes: 4096 }]);
    list.add(4096, 4096);
    expect([...list]).toEqual([{ offsetBytes: START, lengthBytes: 8192 }]);
  });
});
