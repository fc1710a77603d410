import { describe, expect, it } from 'vitest';
import { plainPaint } from './paint.js';
import { percentInWords, renderProgressBar } from './progress-bar.js';

describe('a progress bar', () => {
  it.each([
    [0, '░░░░░░░░░░'],
    [0.5, '█████░░░░░'],
    [0.5125, '█████▏░░░░'],
    [0.999, '█████████▉'],
    [1, '██████████'],
    [1.7, '██████████'],
    [-1, '░░░░░░░░░░'],
  ])('shows %d', (fraction, bar) => {
    expect(renderProgressBar(fraction, 10, plainPaint)).toBe(bar);
  });

  it('says 100 % only when it is done', () => {
    expect(percentInWords(0.9999)).toBe(' 99 %');
    expect(percentInWords(1)).toBe('100 %');
    expect(percentInWords(0)).toBe('  0 %');
  });
});
