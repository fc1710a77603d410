import type { Paint } from './paint.js';

const FULL = '█';
/** Eighths of a cell, so that the bar moves smoothly. */
const PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;
const EMPTY = '░';

/**
 * @param fraction in [0, 1]; what is outside is cut
 * @param width in columns
 */
export function renderProgressBar(fraction: number, width: number, paint: Paint): string {
  const eighths = Math.floor(Math.min(1, Math.max(0, fraction)) * width * 8);
  const done = FULL.repeat(Math.floor(eighths / 8)) + (PARTS[eighths % 8] ?? '');
  return paint('accent', done) + paint('quiet', EMPTY.repeat(width - done.length));
}

/** Whole percent, and 100 only when it is done. */
export const percentInWords = (fraction: number): string =>
  `${String(Math.min(100, Math.floor(fraction * 100))).padStart(3)} %`;
