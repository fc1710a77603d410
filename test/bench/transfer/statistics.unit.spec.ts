import { describe, expect, it } from 'vitest';
import { speedRatio, spreadOf } from './statistics.js';

describe('the middle of a series', () => {
  it('is the value in the middle, whatever the order', () => {
    expect(spreadOf([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9 });
  });
  it('lies between the two in the middle of an even number', () => {
    expect(spreadOf([10, 2, 4, 1])).toEqual({ median: 3, min: 1, max: 10 });
  });
  it('refuses a series without values', () => {
    expect(() => spreadOf([])).toThrow(RangeError);
  });
});

describe('how many times faster', () => {
  it('is above one for the shorter time', () => {
    expect(speedRatio([500, 500, 500], [1000, 1000, 1000])).toEqual({ median: 2, min: 2, max: 2 });
  });
  it('compares medians, and shows the turns at its edges', () => {
    const ratio = speedRatio([100, 100, 400], [100, 200, 100]);
    expect(ratio).toEqual({ median: 1, min: 0.25, max: 2 });
  });
});
