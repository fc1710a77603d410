import type { PhaseName, Schedule } from '#libs/contracts';
import { STANDARD_ITINERARY } from './domain/itinerary.js';
import type { MigrationTaskCommand } from './domain/migration-task.commands.js';
import type { MigrationTaskEvent } from './domain/migration-task.events.js';

/** One task of one disk, for specs. */

const GIB = 1024 ** 3;

export const TASK = 'bf618394-0001-4000-8000-000000000001';
export const RESTORER = 'bf618394-0005-4000-8000-000000000005';
export const NOW = '2026-03-01T10:00:00.000Z';

export const ORDER: Extract<MigrationTaskCommand, { type: 'CreateMigrationTask' }>['order'] = {
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
};

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

export const halted = (phase: PhaseName): MigrationTaskEvent => ({
  type: 'MigrationTaskHalted',
  data: { taskId: TASK, phase, failure: FAILURE },
});

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
