import type { Failure, MigratedDisk, Phase, PhaseName, Schedule, TargetSpecification } from '#libs/contracts';
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

/** The task waits for a person, with a reason. */
export type MigrationTaskHalted = DomainEvent<
  'MigrationTaskHalted',
  { readonly taskId: string; readonly phase: PhaseName; readonly failure: Failure }
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

export type MigrationTaskEvent =
  | MigrationTaskCreated
  | PhaseStarted
  | PhaseCompleted
  | MigrationTaskHalted
  | MigrationTaskCompleted
  | SyncScheduled
  | SyncScheduleRemoved
  | SynchronizationTimePointReached;
