import type { MeasuredCopy } from './measured-copy.js';
import { spreadOf, type Spread } from './statistics.js';

/** Somebody who copies, with what has to be done before each copy, and how it is seen that the copy is right. */
export interface Contestant {
  readonly name: string;
  prepare(): Promise<void>;
  copy(): Promise<MeasuredCopy>;
  /** Throws when the target is not what it has to be. */
  check(): Promise<void>;
}

export interface Result {
  readonly name: string;
  readonly copies: readonly MeasuredCopy[];
}

/**
 * Lets everybody copy in turn, once for nothing and then `turns` times: what a machine does beside, and how warm it is,
 * then falls on all alike.
 */
export async function runSeries(
  contestants: readonly Contestant[],
  turns: number,
  tell: (line: string) => void,
): Promise<Result[]> {
  const copies = contestants.map((): MeasuredCopy[] => []);
  for (let turn = 0; turn <= turns; turn += 1) {
    for (const [place, contestant] of contestants.entries()) {
      await contestant.prepare();
      const measured = await contestant.copy();
      await contestant.check();
      tell(`${turn === 0 ? 'warm-up' : `turn ${turn}`}: ${contestant.name}: ${measured.wallMs.toFixed(0)} ms`);
      if (turn > 0) copies[place]?.push(measured);
    }
  }
  return contestants.map(({ name }, place) => ({ name, copies: copies[place] ?? [] }));
}

export function wallsOf(result: Result): number[] {
  return result.copies.map(({ wallMs }) => wallMs);
}

export function spreadOfCopies(result: Result, value: (copy: MeasuredCopy) => number): Spread {
  return spreadOf(result.copies.map(value));
}
