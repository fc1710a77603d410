import { describe, expect, it } from 'vitest';
import {
  durationInWords,
  leftInWords,
  momentInWords,
  nearMomentInWords,
  parseSeconds,
  parseSize,
  rateInWords,
  sizeInWords,
  spanInWords,
} from './quantities-in-words.js';

const NOW = Date.parse('2026-03-01T12:02:22.000Z');
const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

describe('quantities in words', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [KIB, '1 KiB'],
    [1536, '1.5 KiB'],
    [100 * KIB, '100 KiB'],
    [MIB - 1, '1 MiB'],
    [33_554_432, '32 MiB'],
    [524_288_000, '500 MiB'],
    [1.5 * GIB, '1.5 GiB'],
    [2048 * GIB, '2 TiB'],
  ])('says %d bytes as %s', (bytes, words) => {
    expect(sizeInWords(bytes)).toBe(words);
  });

  it('says rates per second', () => {
    expect(rateInWords(104.4 * MIB)).toBe('104 MiB/s');
  });

  it.each([
    [0, '0.0 s'],
    [12_340, '12.3 s'],
    [59_940, '59.9 s'],
    [59_960, '1 min 00 s'],
    [185_000, '3 min 05 s'],
    [3_599_600, '1 h 00 min'],
    [7_620_000, '2 h 07 min'],
  ])('says %d ms as %s', (milliseconds, words) => {
    expect(durationInWords(milliseconds)).toBe(words);
  });

  it('says moments in UTC, and a dash for none', () => {
    expect(momentInWords('2026-03-01T12:00:05.123Z')).toBe('2026-03-01 12:00:05');
    expect(momentInWords(null)).toBe('-');
  });

  it.each([
    [0, '0 s'],
    [60, '1 min'],
    [90, '1 min 30 s'],
    [900, '15 min'],
    [3600, '1 h'],
    [604_800, '7 d'],
    [93_784, '1 d 2 h 3 min 4 s'],
  ])('says a span of %d s as %s', (seconds, words) => {
    expect(spanInWords(seconds)).toBe(words);
  });

  it.each([
    ['2026-03-01T12:17:11.000Z', '14 min 49 s'],
    ['2026-03-01T12:02:22.001Z', '1 s'],
    ['2026-03-08T12:00:00.000Z', '6 d 23 h'],
    ['2026-03-01T12:02:22.000Z', null],
    ['2026-03-01T11:00:00.000Z', null],
  ])('says what is left until %s as %s', (instant, words) => {
    expect(leftInWords(instant, NOW)).toBe(words);
  });

  it('says the day of a moment only when it is another one', () => {
    expect(nearMomentInWords('2026-03-01T12:17:11.000Z', NOW)).toBe('12:17:11 UTC');
    expect(nearMomentInWords('2026-03-02T00:00:00.000Z', NOW)).toBe('2026-03-02 00:00:00 UTC');
  });

  it.each([
    ['4096', 4096],
    ['2GiB', 2 * GIB],
    ['1.5 MiB', 1.5 * MIB],
    ['0.3KiB', undefined],
    ['2GB', undefined],
    ['GiB', undefined],
    ['-1', undefined],
    ['', undefined],
    ['99999999TiB', undefined],
  ])('reads the size %s as %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each([
    ['60', 60],
    ['60s', 60],
    ['5m', 300],
    ['1h', 3600],
    ['2d', 172_800],
    ['1w', undefined],
    ['1.5h', undefined],
    ['', undefined],
  ])('reads the duration %s as %s', (text, seconds) => {
    expect(parseSeconds(text)).toBe(seconds);
  });
});
