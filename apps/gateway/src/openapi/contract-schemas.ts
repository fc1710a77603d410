import * as z from 'zod';
import {
  ERROR_STATUS,
  byteRange,
  bytes,
  concern,
  cutoverView,
  decision,
  disk,
  diskDigest,
  diskRoundResult,
  endpointProgress,
  eventView,
  failure,
  fileSystem,
  hciSiteView,
  instant,
  ledgerEntry,
  machineInventory,
  migratedDisk,
  migrationTaskView,
  networkMount,
  partition,
  planningCalls,
  provisioningCalls,
  replicationSettings,
  replicationView,
  resumeWindowView,
  schedule,
  sourceMachineView,
  syncRoundView,
  targetSpecification,
  roundPace,
  taskSettings,
  throttleCalendar,
  throttleSettings,
  throttleWindow,
  transferCalls,
} from '#libs/contracts';
import { problemExample } from './examples.js';
import { healthReport } from '../health/health-report.js';
import { taskDocument } from '../migration-tasks/task-document.js';
import { errorCode, problemDocument } from '../problem-details/problem.js';

/**
 * Answers have the shapes that services promise; their schemas are made from the promise itself, so that they cannot
 * differ. Each is a component of its own, and what contains it refers to it.
 */
const described = {
  Bytes: [bytes, 'A size, an offset or an amount in bytes; at most 2^53 - 1, so exact as a JSON number.'],
  Instant: [instant, 'A moment, ISO 8601 in UTC.'],
  ByteRange: [byteRange, 'A contiguous range of a disk.'],
  Failure: [
    failure,
    'Why something failed, and what to do about it; `lost` and `kept`, where they are there, say what it cost and what it did not.',
  ],
  EnrolmentToken: [
    transferCalls.issueEnrolmentToken.reply,
    'A token with which one agent enrols, once, at `serverUrl`, before `expiresAt`. It is shown only here.',
  ],
  FileSystem: [
    fileSystem,
    'A file system as the operating system sees it; `usedBytes` is null when nothing on the machine can tell.',
  ],
  Partition: [partition, 'A partition; `typeId` is the GPT type GUID or the MBR type byte in hexadecimal.'],
  Disk: [disk, 'A block device; `diskId` is stable across restarts. `fileSystem`: one without a partition table.'],
  NetworkMount: [networkMount, 'A network file system that is mounted on the source; it is not migrated.'],
  MachineInventory: [machineInventory, 'What the agent reports of its machine.'],
  SourceMachine: [sourceMachineView, 'A machine whose agent is enrolled; `inventory` is null until it first reported.'],
  SourceMachineList: [transferCalls.listSourceMachines.reply, 'All source machines.'],
  HciSite: [hciSiteView, 'A platform on which target VMs are made.'],
  HciSiteList: [provisioningCalls.listHciSites.reply, 'All sites.'],
  Concern: [concern, 'A finding of a pre-check. Critical ones refuse the task.'],
  Decision: [decision, 'What a rule decided about the target, and why.'],
  TargetSpecification: [targetSpecification, 'What the target VM will be.'],
  Schedule: [schedule, 'When incremental rounds start.'],
  TaskSettings: [taskSettings, 'How a task deals with what goes wrong; null: never cleaned up by itself.'],
  MigratedDisk: [migratedDisk, 'A disk of the source that is migrated.'],
  MigrationTask: [
    migrationTaskView,
    'One machine being migrated, as planning sees it. `cleanUpAt`: what was created for it is removed then, unless somebody changes their mind before.',
  ],
  LedgerEntry: [
    ledgerEntry,
    'One thing that was created outside for a task. `expected`: asked for, and not known to be there.',
  ],
  CompensationLedger: [planningCalls.readCompensationLedger.reply, 'What was created outside for a task.'],
  MigrationTaskList: [
    planningCalls.listMigrationTasks.reply,
    'A page of tasks; `next` is the cursor of the following.',
  ],
  PreCheckReport: [planningCalls.checkMigrationTask.reply, 'What the pre-checks say of an order; nothing is created.'],
  DiskRoundResult: [
    diskRoundResult,
    'What a completed round did to one disk; `durationMs` in milliseconds. `stillness`, of final rounds: `frozen` or `unwritten` when what was read belongs to one moment of the source, `uncertain` when it was written to meanwhile or nobody can tell.',
  ],
  DiskDigest: [diskDigest, 'Root of the digest tree over one disk, hexadecimal.'],
  SyncRound: [
    syncRoundView,
    'One sweep over the disks of the source. `attempts`: 1, and one more for each lost link and each pause. `comparison`: null until it has begun; `rescan`: digests of all used blocks are compared, for `rescanReason`; `tracked`: of those that were written since the last round. Only what differs is sent.',
  ],
  SyncRoundRequested: [
    transferCalls.startSyncRound.reply,
    'The round that started; null, with the reason in `skipped`, when none was needed.',
  ],
  AcknowledgedRanges: [
    transferCalls.readAcknowledgedRanges.reply,
    'What the target acknowledged as durably written, disk by disk.',
  ],
  ResumeWindow: [resumeWindowView, 'Open while work waits; it goes on by itself before `deadlineAt`, and fails then.'],
  ThrottleWindowSettings: [
    throttleWindow,
    'A time of the week with other caps; null: unlimited, left out: as outside.',
  ],
  ThrottleCalendarSettings: [
    throttleCalendar,
    'Other caps at certain hours of the week; the first open window counts.',
  ],
  ThrottleSettings: [throttleSettings, 'What a task may take of its source; null: unlimited.'],
  RoundPace: [
    roundPace,
    'The caps in force in a round, what it does with them, and how long it will take by the least of cap, link and storage. `limitedBy` names that.',
  ],
  ReplicationSettings: [replicationSettings, 'How a replication deals with interruptions and with its source.'],
  Replication: [replicationView, 'The copy of the disks, as transfer sees it. Newest round last.'],
  Cutover: [cutoverView, 'The change from source to target, as cutover sees it.'],
  MigrationTaskDocument: [
    taskDocument,
    'Everything about one migration; `replication` is null until the target is ready.',
  ],
  RecordedEvent: [eventView, 'An event as it was recorded. `revision` and `position` are decimal numbers as text.'],
  RecordedEventPage: [planningCalls.readTaskEvents.reply, 'A page of events; `next` is the cursor of the following.'],
  EndpointProgress: [endpointProgress, 'Telemetry of a running round or verification, about twice a second.'],
  HealthReport: [healthReport, 'Whether the gateway works.'],
  ErrorCode: [
    errorCode,
    'What went wrong, from a closed list. Compare codes, not texts.',
    { enum: Object.keys(ERROR_STATUS) },
  ],
  Problem: [
    problemDocument,
    'Problem details (RFC 9457). `errors` names fields, `details` holds what else is known, both by code.',
    { examples: [problemExample] },
  ],
} as const satisfies Record<string, readonly [z.ZodType, string, object?]>;

export type ContractSchemaName = keyof typeof described;

export const schemaReference = (name: ContractSchemaName): { $ref: string } => ({ $ref: componentUri(name) });

const componentUri = (name: string): string => `#/components/schemas/${name}`;

/** The components of the description that come from contracts, by name. */
export const contractSchemas = (): Record<string, object> => {
  const registry = z.registry<{ id: string; description: string }>();
  for (const [id, [schema, description, more]] of Object.entries(described)) {
    registry.add(schema, { id, description, ...more });
  }
  const { schemas } = z.toJSONSchema(registry, {
    metadata: registry,
    uri: componentUri,
    override: ({ jsonSchema }) => {
      // The format says it; the expressions behind it are longer than everything else.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
      // Later versions may add fields.
      delete jsonSchema.additionalProperties;
    },
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _dialect, $id: _id, id: _name, ...schema }]) => [name, schema]),
  );
};
