import type { TaskStatus } from '#libs/contracts';
import type { FaultKind } from '../faults/planned-fault.js';
import type { MutationName } from '../mutations/mutations.js';

export interface FoundViolation {
  readonly checker: string;
  readonly text: string;
  /** Simulated time since the beginning of the run. */
  readonly atMs: number;
}

/** What a run came to. */
export interface Outcome {
  readonly seed: number;
  readonly mutation: MutationName | null;
  /** The first one, which ended the run; null: all is as it must be. */
  readonly violation: FoundViolation | null;
  readonly simulatedMs: number;
  readonly events: number;
  /** How many of each stored type. */
  readonly eventTypes: Readonly<Record<string, number>>;
  /** Over every event of the log: the same history has the same hash. */
  readonly historyHash: string;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly status: TaskStatus | null;
  /** How often the task waited for a person. */
  readonly halts: number;
  readonly cutovers: number;
  readonly rounds: number;
  readonly attempts: number;
  /** The newest lines of what happened; of failed runs only. */
  readonly trail: readonly string[];
}
