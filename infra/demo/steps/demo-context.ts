import type { Output } from '../../../apps/cli/src/terminal/output.js';
import type { DemoOptions } from '../demo-options.js';
import type { StepLog } from '../terminal/step-log.js';
import type { Cleanup } from './cleanup.js';

/** What every step of a run gets. */
export type DemoContext = {
  readonly options: DemoOptions;
  /** Names the run; also in the names of what it creates, as a server that is not its own keeps them. */
  readonly runName: string;
  /** Of this run, absolute. */
  readonly folder: string;
  /** The compiled project, absolute. */
  readonly dist: string;
  readonly log: StepLog;
  readonly output: Output;
  readonly cleanup: Cleanup;
  /** Aborted by Ctrl-C, and when a program of the run is lost. */
  readonly signal: AbortSignal;
  /** Ends the run with this reason. */
  fail(reason: Error): void;
};
