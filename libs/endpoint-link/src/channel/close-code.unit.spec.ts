import { describe, expect, it } from 'vitest';
import { fitCloseReason } from './close-code.js';

describe('fitCloseReason', () => {
  it('leaves short reasons alone', () => {
    expect(fitCloseReason('über')).toBe('über');
  });

  it('cuts at 123 bytes, never through a character', () => {
    const cut = fitCloseReason(`${'a'.repeat(122)}é and more`);
    expect(cut).toBe('a'.repeat(122));
    expect(Buffer.byteLength(fitCloseReason('€'.repeat(100)))).toBe(123);
  });
});
