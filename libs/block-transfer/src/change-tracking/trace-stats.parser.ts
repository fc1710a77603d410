/** Counters of `per_cpu/cpuN/stats` that count events nobody will ever read. */
const LOSSES = ['overrun', 'commit overrun', 'dropped events'];
/** Events that were taken out of the buffer, by whomever. */
const READ = 'read events';

/**
 * What was lost of one processor's ring buffer, of which we have read so many events, by its `stats` file in tracefs;
 * null: nothing. A counter that is not there counts as a loss.
 */
export function lossIn(stats: string, readByUs: number): string | null {
  for (const name of LOSSES) {
    const lost = counterIn(stats, name);
    if (lost !== 0) return `${name}: ${lost ?? 'not counted'}`;
  }
  const read = counterIn(stats, READ);
  return read === readByUs ? null : `${READ}: ${read ?? 'not counted'}, ${readByUs} of them by us`;
}

function counterIn(stats: string, name: string): number | null {
  const value = new RegExp(`^${name}: (\\d+)$`, 'm').exec(stats)?.[1];
  return value === undefined ? null : Number(value);
}
