import { describe, expect, it } from 'vitest';
import { colouredPaint, paintFor, plainPaint } from './paint.js';

describe('colours', () => {
  it('are used on a terminal only, and not where NO_COLOR is set', () => {
    expect(paintFor(true, {})).toBe(colouredPaint);
    expect(paintFor(false, {})).toBe(plainPaint);
    expect(paintFor(true, { NO_COLOR: '1' })).toBe(plainPaint);
    expect(paintFor(true, { NO_COLOR: '' })).toBe(colouredPaint);
    expect(paintFor(true, { TERM: 'dumb' })).toBe(plainPaint);
  });
});
