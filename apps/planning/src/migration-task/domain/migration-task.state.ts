import {
  type Failure,
  type MigratedDisk,
  type Phase,
  type PhaseName,
  type Schedule,
  type TargetSpecification,
  type TaskSettings,
  type TaskStatus,
  taskSettingsFromRecord,
} from '#libs/contracts';
import type { MigrationTaskEvent, RecordedConcern, RecordedDecision } from './migration-task.events.js';

/** When the clean-up begins by itself. */
export interface PendingCleanUp {
  readonly generation: number;
  readonly at: string;
}

export interface MigrationTask {
  readonly taskId: string;
  readonly name: string;
  /** What people see; follows from the fields below. */
  readonly status: TaskStatus;
  readonly stage: 'active' | 'cancelling' | 'cleaning-up' | 'cancelled' | 'completed';
  readonly sourceMachineId: string;
  readonly siteId: string;
  readonly targetVmId: string;
  readonly restorerId: string | null;
  readonly target: TargetSpecification;
  readonly disks: readonly MigratedDisk[];
  readonly concerns: readonly RecordedConcern[];
  readonly decisions: readonly RecordedDecision[];
  readonly itinerary: readonly Phase[];
  readonly settings: TaskSettings;
  /** The phase in hand; null before the first and after the last. A cancelled task keeps the one it came to. */
  readonly phase: PhaseName | null;
  /** What the phase waits for has happened while the task rested: the next one begins when it goes on. */
  readonly isPhaseOver: boolean;
  readonly isPaused: boolean;
  readonly halt: Failure | null;
  readonly cleanUp: PendingCleanUp | null;
  /** The newest clean-up's, whether it is pending, called off or running. */
  readonly cleanUpGeneration: number;
  readonly cleanUpFailure: Failure | null;
  readonly schedule: Schedule | null;
  readonly generation: number;
  readonly nextTimePoint: string | null;
  readonly createdAt: string;
  readonly completedAt: string | null;
}

/** null: there is no such task. */
export type MigrationTaskState = MigrationTask | null;

export const initialState: MigrationTaskState = null as MigrationTaskState;

const statusOf = ({ stage, isPaused, halt }: Omit<MigrationTask, 'status'>): TaskStatus => {
  if (stage !== 'active') return stage;
  if (isPaused) return 'paused';
  return halt === null ? 'running' : 'halted';
};

export const evolve = (state: MigrationTaskState, event: MigrationTaskEvent): MigrationTaskState => {
  if (event.type === 'MigrationTaskCreated') {
    return {
      ...event.data,
      settings: taskSettingsFromRecord(event.data.settings),
      status: 'running',
      stage: 'active',
      restorerId: null,
      phase: null,
      isPhaseOver: false,
      isPaused: false,
      halt: null,
      cleanUp: null,
      cleanUpGeneration: 0,
      cleanUpFailure: null,
      schedule: null,
      generation: 0,
      nextTimePoint: null,
      completedAt: null,
    };
  }
  if (state === null) return null;
  const task = evolveTask(state, event);
  return { ...task, status: statusOf(task) };
};

type LaterEvent = Exclude<MigrationTaskEvent, { type: 'MigrationTaskCreated' }>;
type EndingEvent = Extract<
  LaterEvent,
  { type: 'MigrationTaskCancelled' | 'CancellationWithdrawn' | `CleanUp${string}` }
>;
type ScheduleEvent = Extract<LaterEvent, { type: `Sync${string}` }>;

const NO_SCHEDULE = { schedule: null, nextTimePoint: null } as const;
/** Nothing keeps the phase from going on. The date of a cancelled task's clean-up is not the halt's, and stays. */
const withoutHalt = (task: MigrationTask): MigrationTask =>
  task.stage === 'active' ? { ...task, halt: null, cleanUp: null } : task;

const evolveTask = (task: MigrationTask, event: LaterEvent): MigrationTask => {
  switch (event.type) {
    case 'PhaseStarted':
      return { ...withoutHalt(task), phase: event.data.phase, isPhaseOver: false };
    case 'PhaseCompleted':
      return { ...withoutHalt(task), isPhaseOver: true, restorerId: event.data.restorerId ?? task.restorerId };
    case 'MigrationTaskHalted':
      return { ...withCleanUp(task, event.data), halt: event.data.failure };
    case 'MigrationTaskHaltCleared':
      return withoutHalt(task);
    case 'ThrottleAdjusted':
      return { ...task, settings: { ...task.settings, throttle: event.data.throttle } };
    case 'MigrationTaskPaused':
      return { ...task, isPaused: true, cleanUp: null };
    case 'MigrationTaskResumed':
      return { ...withCleanUp(task, event.data), isPaused: false };
    case 'MigrationTaskCompleted': {
      const { completedAt } = event.data;
      return { ...withoutHalt(task), ...NO_SCHEDULE, stage: 'completed', isPaused: false, phase: null, completedAt };
    }
    case 'MigrationTaskCancelled':
    case 'CancellationWithdrawn':
    case 'CleanUpCalledOff':
    case 'CleanUpStarted':
    case 'CleanUpFailed':
    case 'CleanUpCompleted':
      return evolveEnding(task, event);
    case 'SyncScheduled':
    case 'SyncScheduleRemoved':
    case 'SynchronizationTimePointReached':
    case 'SynchronizationTimePointPassedOver':
      return evolveSchedule(task, event);
  }
};

const withCleanUp = (
  task: MigrationTask,
  { cleanUpAt, generation }: { readonly cleanUpAt?: string | undefined; readonly generation?: number | undefined },
): MigrationTask =>
  cleanUpAt === undefined || generation === undefined
    ? { ...task, cleanUp: null }
    : { ...task, cleanUp: { generation, at: cleanUpAt }, cleanUpGeneration: generation };

const evolveEnding = (task: MigrationTask, event: EndingEvent): MigrationTask => {
  switch (event.type) {
    case 'MigrationTaskCancelled':
      return { ...withCleanUp(task, event.data), stage: 'cancelling', isPaused: false };
    case 'CancellationWithdrawn':
      return { ...task, stage: 'active', cleanUp: null };
    case 'CleanUpCalledOff':
      return { ...task, cleanUp: null };
    case 'CleanUpStarted': {
      const { generation: cleanUpGeneration } = event.data;
      return { ...task, stage: 'cleaning-up', isPaused: false, cleanUp: null, cleanUpGeneration, cleanUpFailure: null };
    }
    case 'CleanUpFailed':
      return { ...task, cleanUpFailure: event.data.failure };
    case 'CleanUpCompleted':
      return { ...task, ...NO_SCHEDULE, stage: 'cancelled', cleanUpFailure: null };
  }
};

const evolveSchedule = (task: MigrationTask, event: ScheduleEvent): MigrationTask => {
  switch (event.type) {
    case 'SyncScheduled': {
      const { schedule, generation, nextTimePoint } = event.data;
      return { ...task, schedule, generation, nextTimePoint };
    }
    case 'SyncScheduleRemoved':
      return { ...task, ...NO_SCHEDULE, generation: event.data.generation };
    case 'SynchronizationTimePointReached':
    case 'SynchronizationTimePointPassedOver':
      return { ...task, nextTimePoint: event.data.nextTimePoint };
  }
};
