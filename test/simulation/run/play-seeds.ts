import { failureLines } from './report-failure.js';
import type { Outcome } from './outcome.js';
import { simulate } from './simulate.js';

/** Plays seeds one after another. @throws Error that tells of the first run that found something */
export const playSeeds = async (firstSeed: number, runs: number): Promise<readonly Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    const outcome = await simulate(seed);
    if (outcome.violation !== null) throw new Error(failureLines(outcome).join('\n'));
    outcomes.push(outcome);
  }
  return outcomes;
};

/** Types of events that were recorded in any of the runs. */
export const recordedTypes = (outcomes: readonly Outcome[]): ReadonlySet<string> =>
  new Set(outcomes.flatMap(({ eventTypes }) => Object.keys(eventTypes)));
