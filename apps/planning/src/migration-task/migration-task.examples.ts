import { DEFAULT_TASK_SETTINGS, type PhaseName, type Schedule } from '#libs/contracts';
import { STANDARD_ITINERARY } from './domain/itinerary.js';
import type { CommandOf } from './domain/migration-task.commands.js';
import type { MigrationTaskEvent } from './domain/migration-task.events.js';

/** One task of one disk, for specs. */

const GIB = 1024 ** 3;

export const TASK = 'bf618394-0001-4000-8000-000000000001';
export const RESTORER = 'bf618394-0005-4000-8000-000000000005';
export const NOW = '2026-03-01T10:00:00.000Z';

export const ORDER: CommandOf<'CreateMigrationTask'>['order'] = {
  taskId: TASK,
  name: 'web1 to rack 2',
  sourceMachineId: 'bf618394-0002-4000-8000-000000000002',
  siteId: 'bf618394-0003-4000-8000-000000000003',
  targetVmId: 'bf618394-0004-4000-8000-000000000004',
  target: {
    cpuCount: 2,
    memoryBytes: 4 * GIB,
    firmware: 'uefi',
    provisioning: 'automatic',
    disks: [{ sourceDiskId: 'disk-a', sizeBytes: 40 * GIB, allocation: 'thin' }],
  },
  disks: [{ diskId: 'disk-a', device: '/dev/sda', sizeBytes: 40 * GIB }],
  concerns: [{ code: 'PRECHECK.X', severity: 'warning', title: 'X', text: 'Something.', remedy: 'Look at it.' }],
  decisions: [{ code: 'DECISION.X', text: 'Thin.', diskId: 'disk-a' }],
  settings: { ...DEFAULT_TASK_SETTINGS, cancelGraceSeconds: 600, failureGraceSeconds: 1200 },
};

/** A moment so many seconds after {@link NOW}, at which commands of specs come unless they say otherwise. */
export const after = (seconds: number): string => new Date(Date.parse(NOW) + seconds * 1000).toISOString();

export const FAILURE = { code: 'DATA_PATH_LOST', detail: 'The connection was reset.', remedy: 'Try again.' };

export const HOURLY: Schedule = { kind: 'interval', everySeconds: 3600 };

export const created: MigrationTaskEvent = {
  type: 'MigrationTaskCreated',
  data: { ...ORDER, itinerary: STANDARD_ITINERARY, createdAt: NOW },
};

export const phaseStarted = (phase: PhaseName, restorerId: string | null = RESTORER): MigrationTaskEvent => ({
  type: 'PhaseStarted',
  data: { taskId: TASK, phase, restorerId },
});

export const phaseCompleted = (phase: PhaseName, fact: string): MigrationTaskEvent => ({
  type: 'PhaseCompleted',
  data: { taskId: TASK, phase, fact, restorerId: RESTORER },
});

/** Halted now; @param generation of its clean-up, null: it has none */
export const halted = (phase: PhaseName, generation: number | null = 1): MigrationTaskEvent => ({
  type: 'MigrationTaskHalted',
  data: {
    taskId: TASK,
    phase,
    failure: FAILURE,
    ...(generation === null ? {} : { cleanUpAt: after(1200), generation }),
  },
});

export const paused: MigrationTaskEvent = { type: 'MigrationTaskPaused', data: { taskId: TASK } };
export const resumed: MigrationTaskEvent = { type: 'MigrationTaskResumed', data: { taskId: TASK } };

/** Cancelled now. */
export const cancelled = (generation: number, graceSeconds = 600): MigrationTaskEvent => ({
  type: 'MigrationTaskCancelled',
  data: { taskId: TASK, generation, cancelledAt: NOW, graceSeconds, cleanUpAt: after(graceSeconds) },
});

export const withdrawn = (generation: number): MigrationTaskEvent => ({
  type: 'CancellationWithdrawn',
  data: { taskId: TASK, generation },
});

type CleanUpStarted = Extract<MigrationTaskEvent, { type: 'CleanUpStarted' }>['data'];
export const cleanUpStarted = (
  generation: number,
  cause: CleanUpStarted['cause'],
  dueAt: string,
): MigrationTaskEvent => ({ type: 'CleanUpStarted', data: { taskId: TASK, generation, cause, dueAt } });

export const cleanUpFailed: MigrationTaskEvent = { type: 'CleanUpFailed', data: { taskId: TASK, failure: FAILURE } };

export const cleanUpCompleted: MigrationTaskEvent = {
  type: 'CleanUpCompleted',
  data: { taskId: TASK, completedAt: NOW },
};

export const taskCompleted: MigrationTaskEvent = {
  type: 'MigrationTaskCompleted',
  data: { taskId: TASK, completedAt: NOW },
};

export const scheduled = (generation: number, nextTimePoint: string): MigrationTaskEvent => ({
  type: 'SyncScheduled',
  data: { taskId: TASK, schedule: HOURLY, generation, nextTimePoint },
});

export const scheduleRemoved = (generation: number): MigrationTaskEvent => ({
  type: 'SyncScheduleRemoved',
  data: { taskId: TASK, generation },
});

export const CREATED = [created, phaseStarted('prepare-target', null)];

/** The history of a task up to and including the start of a phase. */
export const historyUpTo = (phase: PhaseName): MigrationTaskEvent[] => {
  const index = STANDARD_ITINERARY.findIndex(({ name }) => name === phase);
  const before = STANDARD_ITINERARY.slice(0, index).flatMap(({ name, waitsFor }, at) => {
    const next = STANDARD_ITINERARY[at + 1];
    return next === undefined ? [] : [phaseCompleted(name, waitsFor), phaseStarted(next.name)];
  });
  return [...CREATED, ...before];
};

export const COMPLETED = [
  ...historyUpTo('take-over'),
  phaseCompleted('take-over', 'take-over-declared'),
  taskCompleted,
];
