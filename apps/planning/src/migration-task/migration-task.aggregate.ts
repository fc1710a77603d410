import * as z from 'zod';
import {
  concern,
  decision,
  failure,
  instant,
  migratedDisk,
  phase,
  phaseName,
  recordedTaskSettings,
  schedule,
  targetSpecification,
  throttleSettings,
} from '#libs/contracts';
import { type Aggregate, defineCodec } from '#libs/eventsourcing';
import type { MigrationTaskCommand } from './domain/migration-task.commands.js';
import { migrationTaskDecider } from './domain/migration-task.decider.js';
import type { MigrationTaskEvent } from './domain/migration-task.events.js';
import type { MigrationTaskState } from './domain/migration-task.state.js';

const taskId = z.uuid();
const generation = z.number().int().nonnegative();
const cleanUpDate = { cleanUpAt: instant.optional(), generation: generation.optional() };

const migrationTaskCodec = defineCodec<MigrationTaskEvent>({
  MigrationTaskCreated: {
    stored: 'planning.migration-task-created.v1',
    schema: z.object({
      taskId,
      name: z.string(),
      sourceMachineId: z.uuid(),
      siteId: z.uuid(),
      targetVmId: z.uuid(),
      target: targetSpecification,
      disks: z.array(migratedDisk),
      concerns: z.array(concern),
      decisions: z.array(decision),
      itinerary: z.array(phase),
      settings: recordedTaskSettings.optional(),
      createdAt: instant,
    }),
  },
  PhaseStarted: {
    stored: 'planning.phase-started.v1',
    schema: z.object({ taskId, phase: phaseName, restorerId: z.uuid().nullable() }),
  },
  PhaseCompleted: {
    stored: 'planning.phase-completed.v1',
    schema: z.object({ taskId, phase: phaseName, fact: z.string(), restorerId: z.uuid().nullable() }),
  },
  MigrationTaskHalted: {
    stored: 'planning.migration-task-halted.v1',
    schema: z.object({ taskId, phase: phaseName, failure, ...cleanUpDate }),
  },
  MigrationTaskHaltCleared: {
    stored: 'planning.migration-task-halt-cleared.v1',
    schema: z.object({ taskId, phase: phaseName, roundId: z.uuid() }),
  },
  ThrottleAdjusted: {
    stored: 'planning.throttle-adjusted.v1',
    schema: z.object({ taskId, throttle: throttleSettings }),
  },
  CleanUpCalledOff: {
    stored: 'planning.clean-up-called-off.v1',
    schema: z.object({ taskId, generation, roundId: z.uuid() }),
  },
  MigrationTaskPaused: { stored: 'planning.migration-task-paused.v1', schema: z.object({ taskId }) },
  MigrationTaskResumed: {
    stored: 'planning.migration-task-resumed.v1',
    schema: z.object({ taskId, ...cleanUpDate }),
  },
  MigrationTaskCancelled: {
    stored: 'planning.migration-task-cancelled.v1',
    schema: z.object({
      taskId,
      generation,
      cancelledAt: instant,
      graceSeconds: z.number().int().nonnegative(),
      cleanUpAt: instant,
    }),
  },
  CancellationWithdrawn: {
    stored: 'planning.cancellation-withdrawn.v1',
    schema: z.object({ taskId, generation }),
  },
  CleanUpStarted: {
    stored: 'planning.clean-up-started.v1',
    schema: z.object({ taskId, generation, cause: z.enum(['cancellation', 'failure', 'retry']), dueAt: instant }),
  },
  CleanUpFailed: { stored: 'planning.clean-up-failed.v1', schema: z.object({ taskId, failure }) },
  CleanUpCompleted: {
    stored: 'planning.clean-up-completed.v1',
    schema: z.object({ taskId, completedAt: instant }),
  },
  MigrationTaskCompleted: {
    stored: 'planning.migration-task-completed.v1',
    schema: z.object({ taskId, completedAt: instant }),
  },
  SyncScheduled: {
    stored: 'planning.sync-scheduled.v1',
    schema: z.object({ taskId, schedule, generation, nextTimePoint: instant }),
  },
  SyncScheduleRemoved: {
    stored: 'planning.sync-schedule-removed.v1',
    schema: z.object({ taskId, generation }),
  },
  SynchronizationTimePointReached: {
    stored: 'planning.synchronization-time-point-reached.v1',
    schema: z.object({ taskId, generation, timePoint: instant, nextTimePoint: instant }),
  },
  SynchronizationTimePointPassedOver: {
    stored: 'planning.synchronization-time-point-passed-over.v1',
    schema: z.object({ taskId, generation, timePoint: instant, nextTimePoint: instant, reason: z.string() }),
  },
});

export const migrationTasks: Aggregate<MigrationTaskState, MigrationTaskCommand, MigrationTaskEvent> = {
  category: 'migrationTask',
  producer: 'planning',
  codec: migrationTaskCodec,
  decider: migrationTaskDecider,
};
