import { describe, expect, it } from 'vitest';
import { parseMemory } from './memory.parser.js';

describe('parseMemory', () => {
  it('takes what the kernel calls available', () => {
    const text = 'MemTotal:  1000 kB\nMemFree:  10 kB\nMemAvailable:  400 kB\nCached:  900 kB\n';
    expect(parseMemory(text)).toEqual({ totalBytes: 1_024_000, freeBytes: 409_600 });
  });

  it('adds up free memory and caches for old kernels', () => {
    const text = 'MemTotal:  1000 kB\nMemFree:  10 kB\nBuffers:  20 kB\nCached:  70 kB\nSwapCached:  5 kB\n';
    expect(parseMemory(text).freeBytes).toBe(102_400);
  });

  it('finds nothing in nothing', () => {
    expect(parseMemory('')).toEqual({ totalBytes: 0, freeBytes: 0 });
  });
});
