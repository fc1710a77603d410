import { describe, expect, it } from 'vitest';
import { alignedBuffer, alignedSlots, isAligned } from './aligned-buffer.js';
import { deviceNumbers } from './source-disk.js';

describe('aligned memory', () => {
  it('is told from other memory, and by its edges', () => {
    const buffer = alignedBuffer(3 * 4096);
    expect(buffer.length).toBe(3 * 4096);
    expect(isAligned(buffer)).toBe(true);
    expect(isAligned(buffer.subarray(4096))).toBe(true);
    expect(isAligned(buffer.subarray(512))).toBe(false);
    expect(isAligned(buffer.subarray(0, 512))).toBe(false);
    expect(isAligned(new Uint8Array(4096))).toBe(false);
  });

  it('is cut into slots that do not overlap', () => {
    const slots = alignedSlots(3, 8192);
    for (const [index, slot] of slots.entries()) slot.fill(index + 1);
    expect(slots.map((slot) => [isAligned(slot), slot[0], slot[8191]])).toEqual([
      [true, 1, 1],
      [true, 2, 2],
      [true, 3, 3],
    ]);
  });
});

describe('deviceNumbers', () => {
  it.each([
    [0x0801, 8, 1],
    [0x10300, 259, 0],
    [0x700, 7, 0],
    [0x107_12, 263, 18],
    [0x1000_0801 + 0, 8, 0x10001],
  ])('unpacks %i', (rdev, major, minor) => {
    expect(deviceNumbers(rdev)).toEqual({ major, minor });
  });
});
