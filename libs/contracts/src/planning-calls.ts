import { z } from 'zod';
import { failure, migratedDisk } from './published-events.js';
import { bytes, instant } from './quantities.js';
import { serviceCall } from './service-call.js';

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

export const schedule = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('interval'), everySeconds: z.number().int().min(1).max(31_536_000) }),
  z.object({ kind: z.literal('cron'), expression: z.string().max(200), timeZone: z.string().max(100) }),
]);
export type Schedule = z.infer<typeof schedule>;

export const migrationTaskOrder = z.object({
  name: z.string().min(1).max(200),
  sourceMachineId: z.uuid(),
  siteId: z.uuid(),
  /** Only these disks; left out means all of the machine. */
  diskIds: z.array(z.string()).min(1).max(256).optional(),
  target: targetWishes,
  copyRawDisks: z.boolean(),
});

export const taskStatus = z.enum(['running', 'halted', 'completed']);

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
  retryMigrationTask: serviceCall('planning.retry-migration-task', ofTask, migrationTaskView),
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
