import type { Failure, MigratedDisk, Phase, PhaseName, Schedule, TargetSpecification } from '#libs/contracts';
import type { MigrationTaskEvent, RecordedConcern, RecordedDecision } from './migration-task.events.js';

export interface MigrationTask {
  readonly taskId: string;
  readonly name: string;
  readonly status: 'running' | 'halted' | 'completed';
  readonly sourceMachineId: string;
  readonly siteId: string;
  readonly targetVmId: string;
  readonly restorerId: string | null;
  readonly target: TargetSpecification;
  readonly disks: readonly MigratedDisk[];
  readonly concerns: readonly RecordedConcern[];
  readonly decisions: readonly RecordedDecision[];
  readonly itinerary: readonly Phase[];
  /** The phase in hand; null before the first and after the last. */
  readonly phase: PhaseName | null;
  readonly halt: Failure | null;
  readonly schedule: Schedule | null;
  readonly generation: number;
  readonly nextTimePoint: string | null;
  readonly createdAt: string;
  readonly completedAt: string | null;
}

/** null: there is no such task. */
export type MigrationTaskState = MigrationTask | null;

export const initialState: MigrationTaskState = null as MigrationTaskState;

export const evolve = (state: MigrationTaskState, event: MigrationTaskEvent): MigrationTaskState => {
  if (event.type === 'MigrationTaskCreated') {
    return {
      ...event.data,
      status: 'running',
      restorerId: null,
      phase: null,
      halt: null,
      schedule: null,
      generation: 0,
      nextTimePoint: null,
      completedAt: null,
    };
  }
  return state === null ? null : evolveTask(state, event);
};

const evolveTask = (
  task: MigrationTask,
  event: Exclude<MigrationTaskEvent, { type: 'MigrationTaskCreated' }>,
): MigrationTask => {
  switch (event.type) {
    case 'PhaseStarted':
      return { ...task, status: 'running', halt: null, phase: event.data.phase };
    case 'PhaseCompleted':
      return { ...task, restorerId: event.data.restorerId ?? task.restorerId };
    case 'MigrationTaskHalted':
      return { ...task, status: 'halted', halt: event.data.failure };
    case 'MigrationTaskCompleted':
      return {
        ...task,
        status: 'completed',
        halt: null,
        phase: null,
        schedule: null,
        nextTimePoint: null,
        completedAt: event.data.completedAt,
      };
    case 'SyncScheduled': {
      const { schedule, generation, nextTimePoint } = event.data;
      return { ...task, schedule, generation, nextTimePoint };
    }
    case 'SyncScheduleRemoved':
      return { ...task, schedule: null, generation: event.data.generation, nextTimePoint: null };
    case 'SynchronizationTimePointReached':
      return { ...task, nextTimePoint: event.data.nextTimePoint };
  }
};
