/** The middle of a series, with its edges. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Throws `RangeError` for an empty series. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  if (sorted.length === 0) throw new RangeError('a series without values');
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/**
 * How many times faster `ours` is than `theirs`, from wall clocks of one interleaved series: the ratio of the medians,
 * and the least and greatest ratio of two runs of the same turn, which shows how far noise reaches.
 */
export function speedRatio(ours: readonly number[], theirs: readonly number[]): Spread {
  const pairs = ours.flatMap((wall, turn) => {
    const other = theirs[turn];
    return other === undefined ? [] : [other / wall];
  });
  const { min, max } = spreadOf(pairs);
  return { median: spreadOf(theirs).median / spreadOf(ours).median, min, max };
}
