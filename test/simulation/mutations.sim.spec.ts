import { describe, expect, it } from 'vitest';
import type { MutationName } from './mutations/mutations.js';
import type { Outcome } from './run/outcome.js';
import { simulate } from './run/simulate.js';

/** A defect that more runs than this do not show is not caught. */
const MOST_RUNS = 100;

const firstCaught = async (mutation: MutationName): Promise<Outcome | null> => {
  for (let seed = 1; seed <= MOST_RUNS; seed += 1) {
    const outcome = await simulate(seed, mutation);
    if (outcome.violation !== null) return outcome;
  }
  return null;
};

/** Each defect, and the checker that is there to see it. */
describe('a defect', () => {
  it.each([
    ['window-off-by-one', 'windows-keep-their-deadlines'],
    ['acknowledged-range-forgotten', 'sent-once'],
    ['difference-overlooked', 'repaired-as-recorded'],
    ['retry-dropped', 'nothing-due-is-forgotten'],
    ['timer-in-memory', 'nothing-due-is-forgotten'],
  ] as const)('is caught, and only while it is there: %s', async (mutation, checker) => {
    const caught = await firstCaught(mutation);
    expect(caught?.violation?.checker).toBe(checker);
    const { seed } = caught!;
    expect((await simulate(seed)).violation).toBeNull();
    // And a failing run can be had again from its seed.
    expect((await simulate(seed, mutation)).historyHash).toBe(caught?.historyHash);
  });
});
