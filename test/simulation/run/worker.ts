import { parentPort } from 'node:worker_threads';
import type { MutationName } from '../mutations/mutations.js';
import type { Outcome } from './outcome.js';
import { noteUncaught, simulate } from './simulate.js';

/** What a worker is asked for: one run. */
export interface RunOrder {
  readonly seed: number;
  readonly mutation: MutationName | null;
}

/** How it went; `broken`: the simulation itself failed, which is no outcome. */
export type RunAnswer = { readonly outcome: Outcome } | { readonly broken: string; readonly seed: number };

const port = parentPort;
if (port === null) throw new Error('This is a worker');

const answerTo = async ({ seed, mutation }: RunOrder): Promise<RunAnswer> => {
  try {
    return { outcome: await simulate(seed, mutation) };
  } catch (error) {
    return { seed, broken: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
};

process.on('unhandledRejection', noteUncaught);
/** One after another: a run has the process's clock to itself. */
let before: Promise<void> = Promise.resolve();
port.on('message', (order: RunOrder) => {
  before = before.then(async () => port.postMessage(await answerTo(order)));
});
