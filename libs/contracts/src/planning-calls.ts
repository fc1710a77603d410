import * as z from 'zod';
import { failure, migratedDisk } from './published-events.js';
import { bytes, instant } from './quantities.js';
import { serviceCall } from './service-call.js';
import { throttleSettings } from './throttle.js';
import {
  DEFAULT_REPLICATION_SETTINGS,
  SETTINGS_SINCE,
  replicationSettings,
  settingsBeforeChoice,
} from './transfer-calls.js';

export const severity = z.enum(['critical', 'warning', 'information']);

/** A pre-check's finding, as it is recorded in the task and shown to people. */
export const concern = z.object({
  code: z.string(),
  severity,
  title: z.string(),
  text: z.string(),
  remedy: z.string(),
  diskId: z.string().optional(),
});

export const decision = z.object({ code: z.string(), text: z.string(), diskId: z.string().optional() });

export const diskAllocation = z.enum(['thin', 'dynamic', 'preallocated']);

/** What the operator wants the target VM to be; `disks` left out means one of the same size for each source disk. */
export const targetSpecification = z.object({
  cpuCount: z.number().int().min(1).max(512),
  memoryBytes: bytes,
  firmware: z.enum(['bios', 'uefi']),
  provisioning: z.enum(['automatic', 'manual']),
  disks: z.array(z.object({ sourceDiskId: z.string(), sizeBytes: bytes, allocation: diskAllocation })).max(256),
});
export type TargetSpecification = z.infer<typeof targetSpecification>;

export const targetWishes = targetSpecification.partial();
export type TargetWishes = z.infer<typeof targetWishes>;

export const phaseName = z.enum(['prepare-target', 'full-sync', 'keep-in-sync', 'final-sync', 'verify', 'take-over']);
export type PhaseName = z.infer<typeof phaseName>;

/** A phase is an action and the fact it waits for; `retryFrom` is where a retry of a halted task begins. */
export const phase = z.object({
  name: phaseName,
  action: z.string(),
  waitsFor: z.string(),
  retryFrom: phaseName,
});
export type Phase = z.infer<typeof phase>;

/**
 * What becomes of time points that passed while nobody could look (the server was down): `once` makes up for all of
 * them by one synchronization, `skip` waits for the next time point. Left out: `once`.
 */
const catchUp = z.enum(['once', 'skip']).optional();
export const schedule = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('interval'), everySeconds: z.number().int().min(1).max(31_536_000), catchUp }),
  z.object({ kind: z.literal('cron'), expression: z.string().max(200), timeZone: z.string().max(100), catchUp }),
]);
export type Schedule = z.infer<typeof schedule>;

const graceSeconds = z.number().int().min(0).max(31_536_000);

/** How a task deals with what goes wrong, and what it may take of its source. */
export const taskSettings = replicationSettings.extend({
  /** Between a cancellation and the clean-up, which deletes the target: time to change one's mind. */
  cancelGraceSeconds: graceSeconds,
  /** The same after a failure that nobody attends to; null: a failed task is never cleaned up by itself. */
  failureGraceSeconds: graceSeconds.nullable(),
});
export type TaskSettings = z.infer<typeof taskSettings>;
export const DEFAULT_TASK_SETTINGS: TaskSettings = {
  ...DEFAULT_REPLICATION_SETTINGS,
  cancelGraceSeconds: 3_600,
  failureGraceSeconds: 604_800,
};
/** As events hold them; see `recordedReplicationSettings`. */
export const recordedTaskSettings = taskSettings.extend(SETTINGS_SINCE);
export type RecordedTaskSettings = z.infer<typeof recordedTaskSettings>;
/** Settings as they were recorded; undefined: by a version that had none. */
export const taskSettingsFromRecord = (recorded: RecordedTaskSettings | undefined): TaskSettings => ({
  ...(recorded ?? DEFAULT_TASK_SETTINGS),
  ...settingsBeforeChoice(recorded),
});

export const migrationTaskOrder = z.object({
  name: z.string().min(1).max(200),
  sourceMachineId: z.uuid(),
  siteId: z.uuid(),
  /** Only these disks; left out means all of the machine. */
  diskIds: z.array(z.string()).min(1).max(256).optional(),
  target: targetWishes,
  copyRawDisks: z.boolean(),
  /** What is left out takes its default. */
  settings: taskSettings.partial(),
});

/** `cancelling`: cancelled, and in the grace period before the clean-up. `cleaning-up`: what was created is being removed. */
export const taskStatus = z.enum([
  'running',
  'paused',
  'halted',
  'cancelling',
  'cleaning-up',
  'cancelled',
  'completed',
]);
export type TaskStatus = z.infer<typeof taskStatus>;

export const migrationTaskView = z.object({
  taskId: z.uuid(),
  name: z.string(),
  status: taskStatus,
  /** What people see; derived from the phase. */
  step: z.string(),
  phase: phaseName.nullable(),
  phases: z.array(z.object({ name: phaseName, step: z.string(), state: z.enum(['done', 'current', 'ahead']) })),
  sourceMachineId: z.uuid(),
  siteId: z.uuid(),
  targetVmId: z.uuid(),
  target: targetSpecification,
  disks: z.array(migratedDisk),
  concerns: z.array(concern),
  decisions: z.array(decision),
  schedule: schedule.nullable(),
  nextTimePoint: instant.nullable(),
  halt: failure.nullable(),
  settings: taskSettings,
  /** When what was created for the task is removed, unless somebody changes their mind before. */
  cleanUpAt: instant.nullable(),
  createdAt: instant,
  completedAt: instant.nullable(),
});
export type MigrationTaskView = z.infer<typeof migrationTaskView>;

/** An event as people and integrations get it. Revision and position are decimal strings. */
export const eventView = z.object({
  eventId: z.string(),
  stream: z.string(),
  revision: z.string(),
  position: z.string(),
  type: z.string(),
  occurredAt: z.string(),
  actor: z.string(),
  correlationId: z.string(),
  causationId: z.string(),
  commandId: z.string(),
  data: z.unknown(),
});
export type EventView = z.infer<typeof eventView>;

/** One thing that was created outside for a task, known from events alone. */
export const ledgerEntry = z.object({
  kind: z.enum(['target-vm', 'target-disk', 'restorer-credential', 'nbd-export']),
  /** Whatever names it where it is: a VM's reference, a disk's id, an endpoint's id, `host:port`. */
  reference: z.string(),
  /** `expected`: asked for, and not known to be there. `removal-announced`: about to be removed. */
  state: z.enum(['expected', 'exists', 'removal-announced', 'removed']),
  since: instant,
});
export type LedgerEntry = z.infer<typeof ledgerEntry>;

const ofTask = z.object({ taskId: z.uuid() });

export const planningCalls = {
  checkMigrationTask: serviceCall(
    'planning.check-migration-task',
    migrationTaskOrder,
    z.object({ concerns: z.array(concern), decisions: z.array(decision), target: targetSpecification }),
  ),
  createMigrationTask: serviceCall('planning.create-migration-task', migrationTaskOrder, migrationTaskView),
  getMigrationTask: serviceCall('planning.get-migration-task', ofTask, migrationTaskView),
  listMigrationTasks: serviceCall(
    'planning.list-migration-tasks',
    z.object({ limit: z.number().int().min(1).max(500), after: z.string().nullable() }),
    z.object({ tasks: z.array(migrationTaskView), next: z.string().nullable() }),
  ),
  setSchedule: serviceCall(
    'planning.set-schedule',
    z.object({ taskId: z.uuid(), schedule: schedule.nullable() }),
    migrationTaskView,
  ),
  /** The whole of it: what is left out takes its default. */
  adjustThrottle: serviceCall(
    'planning.adjust-throttle',
    z.object({ taskId: z.uuid(), throttle: throttleSettings }),
    migrationTaskView,
  ),
  retryMigrationTask: serviceCall('planning.retry-migration-task', ofTask, migrationTaskView),
  pauseMigrationTask: serviceCall('planning.pause-migration-task', ofTask, migrationTaskView),
  resumeMigrationTask: serviceCall('planning.resume-migration-task', ofTask, migrationTaskView),
  /** @param graceSeconds null: as the task's settings say */
  cancelMigrationTask: serviceCall(
    'planning.cancel-migration-task',
    z.object({ taskId: z.uuid(), graceSeconds: graceSeconds.nullable() }),
    migrationTaskView,
  ),
  /**
   * Until the clean-up has begun: the task goes on where it was, without the pause that it may have been in. A cutover
   * that was under way is asked for and confirmed anew, as the source may have been in service meanwhile.
   */
  withdrawCancellation: serviceCall('planning.withdraw-cancellation', ofTask, migrationTaskView),
  readCompensationLedger: serviceCall(
    'planning.read-compensation-ledger',
    ofTask,
    z.object({ entries: z.array(ledgerEntry) }),
  ),
  readTaskEvents: serviceCall(
    'planning.read-task-events',
    z.object({
      taskId: z.uuid(),
      after: z
        .string()
        .regex(/^\d{1,20}$/)
        .nullable(),
      limit: z.number().int().min(1).max(1000),
    }),
    z.object({ events: z.array(eventView), next: z.string().nullable() }),
  ),
} as const;
