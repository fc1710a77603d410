import type {
  Failure,
  MigratedDisk,
  Phase,
  PhaseName,
  RecordedTaskSettings,
  Schedule,
  TargetSpecification,
  ThrottleSettings,
} from '#libs/contracts';
import type { DomainEvent } from '#libs/eventsourcing';

export interface RecordedConcern {
  readonly code: string;
  readonly severity: 'critical' | 'warning' | 'information';
  readonly title: string;
  readonly text: string;
  readonly remedy: string;
  readonly diskId?: string | undefined;
}

export interface RecordedDecision {
  readonly code: string;
  readonly text: string;
  readonly diskId?: string | undefined;
}

/** The order, with everything that later phases need, so that no later version of the code can change it. */
export type MigrationTaskCreated = DomainEvent<
  'MigrationTaskCreated',
  {
    readonly taskId: string;
    readonly name: string;
    readonly sourceMachineId: string;
    readonly siteId: string;
    readonly targetVmId: string;
    readonly target: TargetSpecification;
    readonly disks: readonly MigratedDisk[];
    readonly concerns: readonly RecordedConcern[];
    readonly decisions: readonly RecordedDecision[];
    readonly itinerary: readonly Phase[];
    /** Left out by versions that had none: the defaults. */
    readonly settings?: RecordedTaskSettings | undefined;
    readonly createdAt: string;
  }
>;

/** `restorerId` is known from the target's preparation on. */
export type PhaseStarted = DomainEvent<
  'PhaseStarted',
  { readonly taskId: string; readonly phase: PhaseName; readonly restorerId: string | null }
>;

export type PhaseCompleted = DomainEvent<
  'PhaseCompleted',
  { readonly taskId: string; readonly phase: PhaseName; readonly fact: string; readonly restorerId: string | null }
>;

/** The date of a clean-up that begins by itself; a date of an earlier generation means nothing any more. */
interface CleanUpDate {
  readonly cleanUpAt?: string | undefined;
  readonly generation?: number | undefined;
}

/** The task waits for a person, with a reason. Without a date, what was created is kept until the person decides. */
export type MigrationTaskHalted = DomainEvent<
  'MigrationTaskHalted',
  { readonly taskId: string; readonly phase: PhaseName; readonly failure: Failure } & CleanUpDate
>;

/** A person wants other caps; as a whole. */
export type ThrottleAdjusted = DomainEvent<
  'ThrottleAdjusted',
  { readonly taskId: string; readonly throttle: ThrottleSettings }
>;

/** A round has begun that may bring what the halted phase waits for. */
export type MigrationTaskHaltCleared = DomainEvent<
  'MigrationTaskHaltCleared',
  { readonly taskId: string; readonly phase: PhaseName; readonly roundId: string }
>;

/** A person attends to the halted task, by a round of another kind: it is not cleaned up by itself any more. */
export type CleanUpCalledOff = DomainEvent<
  'CleanUpCalledOff',
  { readonly taskId: string; readonly generation: number; readonly roundId: string }
>;

/** A person holds the task: the work in hand rests, and no phase begins. */
export type MigrationTaskPaused = DomainEvent<'MigrationTaskPaused', { readonly taskId: string }>;

/** The date of the clean-up is that of a task that had halted, counted anew. */
export type MigrationTaskResumed = DomainEvent<'MigrationTaskResumed', { readonly taskId: string } & CleanUpDate>;

/** The task ends, and what was created for it is removed then; until then it can be taken back. */
export type MigrationTaskCancelled = DomainEvent<
  'MigrationTaskCancelled',
  {
    readonly taskId: string;
    readonly generation: number;
    readonly cancelledAt: string;
    readonly graceSeconds: number;
    readonly cleanUpAt: string;
  }
>;

export type CancellationWithdrawn = DomainEvent<
  'CancellationWithdrawn',
  { readonly taskId: string; readonly generation: number }
>;

/** Said before anything is removed; from here on there is no way back. `dueAt`: when it was to begin. */
export type CleanUpStarted = DomainEvent<
  'CleanUpStarted',
  {
    readonly taskId: string;
    readonly generation: number;
    readonly cause: 'cancellation' | 'failure' | 'retry';
    readonly dueAt: string;
  }
>;

/** What was created could not be removed; a person mends the reason and retries the task. */
export type CleanUpFailed = DomainEvent<'CleanUpFailed', { readonly taskId: string; readonly failure: Failure }>;

/** Nothing is left of what was created for the task, and the task has ended. */
export type CleanUpCompleted = DomainEvent<
  'CleanUpCompleted',
  { readonly taskId: string; readonly completedAt: string }
>;

export type MigrationTaskCompleted = DomainEvent<
  'MigrationTaskCompleted',
  { readonly taskId: string; readonly completedAt: string }
>;

/** `generation` tells this schedule's time points from those of an earlier one. */
export type SyncScheduled = DomainEvent<
  'SyncScheduled',
  { readonly taskId: string; readonly schedule: Schedule; readonly generation: number; readonly nextTimePoint: string }
>;

export type SyncScheduleRemoved = DomainEvent<
  'SyncScheduleRemoved',
  { readonly taskId: string; readonly generation: number }
>;

export type SynchronizationTimePointReached = DomainEvent<
  'SynchronizationTimePointReached',
  { readonly taskId: string; readonly generation: number; readonly timePoint: string; readonly nextTimePoint: string }
>;

/** The time point is long over when somebody looks, and the schedule wants none of that to be made up for. */
export type SynchronizationTimePointPassedOver = DomainEvent<
  'SynchronizationTimePointPassedOver',
  {
    readonly taskId: string;
    readonly generation: number;
    readonly timePoint: string;
    readonly nextTimePoint: string;
    readonly reason: string;
  }
>;

export type MigrationTaskEvent =
  | MigrationTaskCreated
  | PhaseStarted
  | PhaseCompleted
  | MigrationTaskHalted
  | ThrottleAdjusted
  | MigrationTaskHaltCleared
  | CleanUpCalledOff
  | MigrationTaskPaused
  | MigrationTaskResumed
  | MigrationTaskCancelled
  | CancellationWithdrawn
  | CleanUpStarted
  | CleanUpFailed
  | CleanUpCompleted
  | MigrationTaskCompleted
  | SyncScheduled
  | SyncScheduleRemoved
  | SynchronizationTimePointReached
  | SynchronizationTimePointPassedOver;
