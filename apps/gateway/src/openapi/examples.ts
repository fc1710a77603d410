import type * as z from 'zod';
import {
  type CutoverView,
  DEFAULT_REPLICATION_SETTINGS,
  DEFAULT_TASK_SETTINGS,
  type EventView,
  type HciSiteView,
  type MigrationTaskView,
  type ReplicationView,
  type SourceMachineView,
  type planningCalls,
  type transferCalls,
} from '#libs/contracts';

/** Examples of answers in the description of the interface; a test holds each against its schema. */

const sourceMachineId = '0d1f9c1e-4b0a-4f6e-9a58-2f4f4f7d1a01';
const siteId = '6f0d2c55-0e0b-4d0e-8f5e-0b2a54a7c202';
const taskId = 'c2b7a6d0-7a3c-4d51-8d0e-5b8b6d2e7303';
const targetVmId = '8a4e1b39-3f55-4a0c-b1b7-9f6f0c4d5404';
const restorerId = '1e9b6a44-52d7-4c3b-a7d2-6c0f7b8e6505';
const roundId = 'f47b1a2c-6a1e-4c8e-8a39-3d1c2b4a7606';
const diskId = 'WD-4C530001';

export const enrolmentTokenExample: z.input<typeof transferCalls.issueEnrolmentToken.reply> = {
  token: 'lfe_3kq0Vb7tqvYvY4h1m6m2dQ',
  expiresAt: '2026-03-02T09:30:00.000Z',
  serverUrl: 'http://192.0.2.10:8081',
};

export const sourceMachineExample: SourceMachineView = {
  sourceMachineId,
  name: 'db-01',
  connected: true,
  enrolledAt: '2026-03-02T09:01:12.000Z',
  lastChangeAt: '2026-03-02T09:01:13.000Z',
  software: 'landfall-agent 0.1.0',
  inventory: {
    hostname: 'db-01',
    operatingSystem: { name: 'Debian GNU/Linux', version: '12', kernel: '6.1.0-31-amd64', architecture: 'x86_64' },
    firmware: 'uefi',
    cpuCount: 4,
    memoryBytes: 8_589_934_592,
    memoryFreeBytes: 3_221_225_472,
    disks: [
      {
        diskId,
        device: '/dev/sda',
        sizeBytes: 107_374_182_400,
        logicalSectorBytes: 512,
        transport: 'sata',
        external: false,
        allocation: 'fixed',
        partitionTable: 'gpt',
        partitions: [
          {
            number: 1,
            device: '/dev/sda1',
            startBytes: 1_048_576,
            sizeBytes: 107_372_085_248,
            typeId: '0fc63daf-8483-4772-8e79-3d69d8477de4',
            fileSystem: {
              type: 'ext4',
              uuid: '9b2e6f5a-1c1d-4a54-9a0e-0f6f1f0c7707',
              label: null,
              sizeBytes: 107_372_085_248,
              usedBytes: 53_687_091_200,
              mountPoint: '/',
            },
          },
        ],
        fileSystem: null,
      },
    ],
    networkMounts: [{ source: 'nas:/backup', mountPoint: '/mnt/backup', type: 'nfs4' }],
  },
};

export const hciSiteExample: HciSiteView = {
  siteId,
  name: 'rack-2',
  driver: 'local-process',
  version: '6.11.1',
  registeredAt: '2026-03-02T08:55:00.000Z',
};

const concerns: MigrationTaskView['concerns'] = [
  {
    code: 'PRECHECK.NETWORK_STORAGE_NOT_MIGRATED',
    severity: 'warning',
    title: 'Network storage is not migrated',
    text: 'nas:/backup is mounted on /mnt/backup.',
    remedy: 'Mount it on the target after the cutover.',
  },
];

const target: MigrationTaskView['target'] = {
  cpuCount: 4,
  memoryBytes: 8_589_934_592,
  firmware: 'uefi',
  provisioning: 'automatic',
  disks: [{ sourceDiskId: diskId, sizeBytes: 107_374_182_400, allocation: 'thin' }],
};

export const preCheckExample: z.input<typeof planningCalls.checkMigrationTask.reply> = {
  concerns,
  decisions: [],
  target,
};

export const migrationTaskExample: MigrationTaskView = {
  taskId,
  name: 'db-01 to rack-2',
  status: 'running',
  step: 'Keeping in sync',
  phase: 'keep-in-sync',
  phases: [
    { name: 'prepare-target', step: 'Preparing the target', state: 'done' },
    { name: 'full-sync', step: 'Full synchronization', state: 'done' },
    { name: 'keep-in-sync', step: 'Keeping in sync', state: 'current' },
    { name: 'final-sync', step: 'Final synchronization', state: 'ahead' },
    { name: 'verify', step: 'Verifying', state: 'ahead' },
    { name: 'take-over', step: 'Taking over', state: 'ahead' },
  ],
  sourceMachineId,
  siteId,
  targetVmId,
  target,
  disks: [{ diskId, device: '/dev/sda', sizeBytes: 107_374_182_400 }],
  concerns,
  decisions: [],
  schedule: { kind: 'interval', everySeconds: 3600, catchUp: 'once' },
  nextTimePoint: '2026-03-02T11:10:00.000Z',
  halt: null,
  settings: DEFAULT_TASK_SETTINGS,
  cleanUpAt: null,
  createdAt: '2026-03-02T09:10:00.000Z',
  completedAt: null,
};

const replicationExample: ReplicationView = {
  taskId,
  sourceMachineId,
  restorerId,
  disks: migrationTaskExample.disks,
  activity: 'idle',
  settings: DEFAULT_REPLICATION_SETTINGS,
  resumeWindow: null,
  retryAt: null,
  fullSyncCompleted: true,
  finalSyncCompleted: false,
  rounds: [
    {
      roundId,
      number: 1,
      roundKind: 'full',
      trigger: 'itinerary',
      status: 'completed',
      attempts: 1,
      comparison: 'all-blocks',
      resend: false,
      startedAt: '2026-03-02T09:12:00.000Z',
      endedAt: '2026-03-02T09:22:00.000Z',
      disks: [
        {
          diskId,
          diskBytes: 107_374_182_400,
          usedBytes: 53_687_091_200,
          readBytes: 53_687_091_200,
          sentBytes: 52_613_349_376,
          zeroedBytes: 1_073_741_824,
          durationMs: 598_000,
          baseline: 'none',
          digestAlgorithm: 'blake3',
          digestBlockBytes: 65_536,
          rootDigest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        },
      ],
      failure: null,
    },
  ],
  verification: { status: 'none', source: [], target: [], failure: null },
};

export const cutoverExample: CutoverView = {
  taskId,
  status: 'requested',
  requestedAt: '2026-03-02T20:00:00.000Z',
  sourceServicesStoppedAt: null,
  takenOverAt: null,
  failure: null,
};

export const taskDocumentExample = {
  task: migrationTaskExample,
  replication: replicationExample,
  cutover: { ...cutoverExample, status: 'possible', requestedAt: null },
} as const;

export const pausedTaskExample = {
  ...taskDocumentExample,
  task: { ...migrationTaskExample, status: 'paused' },
  replication: { ...replicationExample, activity: 'paused' },
} as const;

export const cancelledTaskExample = {
  ...taskDocumentExample,
  task: { ...migrationTaskExample, status: 'cancelling', cleanUpAt: '2026-03-02T11:30:00.000Z' },
  replication: { ...replicationExample, activity: 'stopped' },
} as const;

export const compensationLedgerExample: z.input<typeof planningCalls.readCompensationLedger.reply> = {
  entries: [
    { kind: 'target-vm', reference: 'vm-1042', state: 'exists', since: '2026-03-02T09:10:30.000Z' },
    { kind: 'target-disk', reference: diskId, state: 'exists', since: '2026-03-02T09:10:30.000Z' },
    { kind: 'restorer-credential', reference: restorerId, state: 'exists', since: '2026-03-02T09:11:50.000Z' },
    { kind: 'nbd-export', reference: '192.0.2.21:10809', state: 'removed', since: '2026-03-02T09:22:00.000Z' },
  ],
};

export const acknowledgedRangesExample: z.input<typeof transferCalls.readAcknowledgedRanges.reply> = {
  disks: [
    {
      diskId,
      acknowledgedBytes: 6_291_456,
      ranges: [
        { offsetBytes: 0, lengthBytes: 2_097_152 },
        { offsetBytes: 1_073_741_824, lengthBytes: 4_194_304 },
      ],
    },
  ],
};

export const syncRoundRequestedExample: z.input<typeof transferCalls.startSyncRound.reply> = { roundId, skipped: null };

export const recordedEventExample: EventView = {
  eventId: '5a3c9d0e-6b1f-5c4a-8e2d-1a2b3c4d8808',
  stream: `migrationTask-${taskId}`,
  revision: '0',
  position: '1042',
  type: 'planning.migration-task-created.v1',
  occurredAt: '2026-03-02T09:10:00.000Z',
  actor: 'operator:alice',
  correlationId: taskId,
  causationId: '7f6e5d4c-3b2a-5190-8f7e-6d5c4b3a9909',
  commandId: '7f6e5d4c-3b2a-5190-8f7e-6d5c4b3a9909',
  data: { taskId, name: 'db-01 to rack-2' },
};

export const problemExample = {
  type: 'urn:landfall:problem:PLANNING.TASK_NOT_FOUND',
  title: 'Planning: task not found',
  status: 404,
  detail: `There is no migration task ${taskId}.`,
  instance: `/api/v1/migration-tasks/${taskId}`,
  code: 'PLANNING.TASK_NOT_FOUND',
  remedy: 'List the tasks and use an id of theirs.',
  correlationId: '3d8b1c52-9e4f-4a76-8c1d-7e6f5a4b3a10',
};
