import { z } from 'zod';
import {
  concern,
  decision,
  failure,
  instant,
  migratedDisk,
  phase,
  phaseName,
  schedule,
  targetSpecification,
} from '#libs/contracts';
import { type Aggregate, defineCodec } from '#libs/eventsourcing';
import type { MigrationTaskCommand } from './domain/migration-task.commands.js';
import { migrationTaskDecider } from './domain/migration-task.decider.js';
import type { MigrationTaskEvent } from './domain/migration-task.events.js';
import type { MigrationTaskState } from './domain/migration-task.state.js';

const taskId = z.uuid();
const generation = z.number().int().nonnegative();

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
    schema: z.object({ taskId, phase: phaseName, failure }),
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
});

export const migrationTasks: Aggregate<MigrationTaskState, MigrationTaskCommand, MigrationTaskEvent> = {
  category: 'migrationTask',
  producer: 'planning',
  codec: migrationTaskCodec,
  decider: migrationTaskDecider,
};
