const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;
const STEP = 1000;

/**
 * A size for people, in powers of 1000 as the limits are: `16.1 TB`. Two sizes that differ can read the same, so the
 * exact number of bytes is given beside it where a limit is close.
 */
export function inWords(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  while (value >= STEP && unit < UNITS.length - 1) {
    value /= STEP;
    unit += 1;
  }
  return `${String(Math.round(value * 10) / 10)} ${UNITS[unit] ?? ''}`;
}
