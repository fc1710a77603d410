import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clipExtents,
  endOf,
  growToAlignment,
  invertExtents,
  mergeExtents,
  splitExtents,
  totalBytes,
} from './byte-extents.js';

const DISK_BYTES = 400;
const ranges = fc.array(
  fc
    .tuple(fc.nat(DISK_BYTES), fc.nat(60))
    .map(([offsetBytes, length]) => ({ offsetBytes, lengthBytes: Math.min(length, DISK_BYTES - offsetBytes) })),
  { maxLength: 30 },
);

/** The oracle: one flag per byte. */
function flags(list: Iterable<{ offsetBytes: number; lengthBytes: number }>): string {
  const bytes = Array.from({ length: DISK_BYTES }, () => '.');
  for (const range of list) bytes.fill('x', range.offsetBytes, endOf(range));
  return bytes.join('');
}

describe('byte extents', () => {
  it('merging keeps exactly the same bytes, sorted, apart and without empty members', () => {
    fc.assert(
      fc.property(ranges, (given) => {
        const merged = mergeExtents(given);
        expect(flags(merged)).toBe(flags(given));
        for (const [index, extent] of merged.entries()) {
          expect(extent.lengthBytes).toBeGreaterThan(0);
          const next = merged[index + 1];
          if (next !== undefined) expect(next.offsetBytes).toBeGreaterThan(endOf(extent));
        }
      }),
    );
  });

  it('inverting gives every other byte, and inverting twice gives the list back', () => {
    fc.assert(
      fc.property(ranges, (given) => {
        const list = mergeExtents(given);
        const inverted = invertExtents(list, DISK_BYTES);
        const opposite = { x: '.', '.': 'x' } as Record<string, string>;
        expect(flags(inverted)).toBe(
          flags(list)
            .split('')
            .map((flag) => opposite[flag])
            .join(''),
        );
        expect(invertExtents(inverted, DISK_BYTES)).toEqual(list);
        expect(totalBytes(list) + totalBytes(inverted)).toBe(DISK_BYTES);
      }),
    );
  });

  it('splitting changes nothing but the size of the pieces', () => {
    fc.assert(
      fc.property(ranges, fc.integer({ min: 1, max: 50 }), (given, maxBytes) => {
        const list = mergeExtents(given);
        const pieces = [...splitExtents(list, maxBytes)];
        expect(mergeExtents(pieces)).toEqual(list);
        for (const piece of pieces) expect(piece.lengthBytes).toBeLessThanOrEqual(maxBytes);
      }),
    );
  });

  it('clipping to a window gives the bytes that are in both', () => {
    fc.assert(
      fc.property(ranges, fc.nat(DISK_BYTES), fc.nat(80), (given, offsetBytes, length) => {
        const window = { offsetBytes, lengthBytes: Math.min(length, DISK_BYTES - offsetBytes) };
        const list = mergeExtents(given);
        const inWindow = flags(list)
          .split('')
          .map((flag, at) => (at >= offsetBytes && at < endOf(window) ? flag : '.'));
        expect(flags(clipExtents(list, window))).toBe(inWindow.join(''));
      }),
    );
  });

  it('growing covers the list, on aligned edges, up to the end of the disk', () => {
    const diskBytes = DISK_BYTES + 3;
    fc.assert(
      fc.property(ranges, (given) => {
        const list = mergeExtents(given);
        const grown = [...growToAlignment(list, 16, diskBytes)];
        expect(mergeExtents([...grown, ...list])).toEqual(grown);
        for (const extent of grown) {
          expect(extent.offsetBytes % 16).toBe(0);
          expect(endOf(extent) % 16 === 0 || endOf(extent) === diskBytes).toBe(true);
        }
        expect(totalBytes(grown)).toBeLessThanOrEqual(totalBytes(list) + list.length * 30);
      }),
    );
  });

  it('refuses what is no range', () => {
    for (const bad of [-1, 1.5, Number.NaN, Number.MAX_SAFE_INTEGER + 1]) {
      expect(() => mergeExtents([{ offsetBytes: bad, lengthBytes: 1 }])).toThrow(RangeError);
      expect(() => mergeExtents([{ offsetBytes: 1, lengthBytes: bad }])).toThrow(RangeError);
    }
    expect(() => [...splitExtents([{ offsetBytes: 0, lengthBytes: 1 }], 0)]).toThrow(RangeError);
  });
});
