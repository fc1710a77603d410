import { parseArgs } from 'node:util';
import { MUTATIONS, type MutationName, isMutation } from '../mutations/mutations.js';

const DEFAULT_RUNS = 1_000;
/** As many as the machines that this is made for have cores. */
const DEFAULT_WORKERS = 2;

/** What somebody wants simulated. */
export interface Wish {
  readonly firstSeed: number;
  readonly runs: number;
  readonly mutation: MutationName | null;
  readonly workers: number;
}

/** A wish that cannot be fulfilled; the message is all that a person needs to see. */
export class WishError extends Error {
  override readonly name = 'WishError';
}

const numberFrom = (name: string, text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new WishError(`--${name} takes a whole number above 0, not ${text}`);
};

const valuesOf = (args: readonly string[]) => {
  const text = { type: 'string' } as const;
  const options = { runs: text, seed: text, mutation: text, workers: text };
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new WishError(error instanceof Error ? error.message : String(error));
  }
};

/** `--seed` alone is that one run. @throws WishError */
export const wishOf = (args: readonly string[]): Wish => {
  const { runs, seed, mutation = null, workers } = valuesOf(args);
  if (mutation !== null && !isMutation(mutation)) {
    throw new WishError(`--mutation takes one of ${Object.keys(MUTATIONS).join(', ')}`);
  }
  return {
    firstSeed: seed === undefined ? 1 : numberFrom('seed', seed),
    runs: runs === undefined ? (seed === undefined ? DEFAULT_RUNS : 1) : numberFrom('runs', runs),
    mutation,
    workers: workers === undefined ? DEFAULT_WORKERS : numberFrom('workers', workers),
  };
};
