import {
  DEFAULT_REPLICATION_SETTINGS,
  DEFAULT_TASK_SETTINGS,
  type DiskRoundResult,
  type EndpointProgress,
  type EventView,
  type Failure,
  type LedgerEntry,
  type SourceMachineView,
  type SyncRoundView,
  diskRoundResult,
  endpointProgress,
  eventView,
  sourceMachineView,
  syncRoundView,
} from '#libs/contracts';
import { type TaskDocument, taskDocument } from './task-document.js';

/** Documents as the gateway sends them, for tests: valid by their schemas, the same each time. */

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const DIGEST = 'ab'.repeat(32);

export const TASK_ID = '11111111-1111-4111-8111-111111111111';
export const SOURCE_ID = '22222222-2222-4222-8222-222222222222';
export const SITE_ID = '33333333-3333-4333-8333-333333333333';
const TARGET_ID = '44444444-4444-4444-8444-444444444444';
const ROUND_ID = '55555555-5555-4555-8555-555555555555';

const fullResult: DiskRoundResult = diskRoundResult.parse({
  diskId: 'sda',
  diskBytes: 2 * GIB,
  usedBytes: GIB,
  readBytes: GIB,
  sentBytes: 960 * MIB,
  zeroedBytes: 64 * MIB,
  durationMs: 9_500,
  baseline: 'none',
  digestAlgorithm: 'sha256',
  digestBlockBytes: 65_536,
  rootDigest: DIGEST,
});

export const exampleRound = (changes: Partial<SyncRoundView> = {}): SyncRoundView =>
  syncRoundView.parse({
    roundId: ROUND_ID,
    number: 1,
    roundKind: 'full',
    trigger: 'itinerary',
    status: 'completed',
    attempts: 1,
    comparison: 'all-blocks',
    resend: false,
    startedAt: '2026-03-01T12:00:00.000Z',
    endedAt: '2026-03-01T12:00:10.000Z',
    disks: [fullResult],
    failure: null,
    ...changes,
  });

export const exampleTask = (changes: Partial<TaskDocument['task']> = {}): TaskDocument['task'] =>
  taskDocument.shape.task.parse({
    taskId: TASK_ID,
    name: 'move db-01',
    status: 'running',
    step: 'Keeping the target in sync, ready for cutover',
    phase: 'keep-in-sync',
    phases: [
      { name: 'prepare-target', step: 'Preparing the target VM', state: 'done' },
      { name: 'full-sync', step: 'Full synchronization', state: 'done' },
      { name: 'keep-in-sync', step: 'Keeping the target in sync, ready for cutover', state: 'current' },
      { name: 'final-sync', step: 'Final synchronization', state: 'ahead' },
    ],
    sourceMachineId: SOURCE_ID,
    siteId: SITE_ID,
    targetVmId: TARGET_ID,
    target: { cpuCount: 2, memoryBytes: 2 * GIB, firmware: 'uefi', provisioning: 'automatic', disks: [] },
    disks: [{ diskId: 'sda', device: '/dev/sda', sizeBytes: 2 * GIB }],
    concerns: [],
    decisions: [],
    schedule: { kind: 'interval', everySeconds: 60 },
    nextTimePoint: '2026-03-01T12:01:00.000Z',
    halt: null,
    settings: DEFAULT_TASK_SETTINGS,
    cleanUpAt: null,
    createdAt: '2026-03-01T11:59:00.000Z',
    completedAt: null,
    ...changes,
  });

export const exampleReplication = (
  changes: Partial<NonNullable<TaskDocument['replication']>> = {},
): NonNullable<TaskDocument['replication']> =>
  taskDocument.shape.replication.unwrap().parse({
    taskId: TASK_ID,
    sourceMachineId: SOURCE_ID,
    restorerId: TARGET_ID,
    disks: [{ diskId: 'sda', device: '/dev/sda', sizeBytes: 2 * GIB }],
    activity: 'idle',
    settings: DEFAULT_REPLICATION_SETTINGS,
    resumeWindow: null,
    retryAt: null,
    fullSyncCompleted: true,
    finalSyncCompleted: false,
    rounds: [exampleRound()],
    verification: { status: 'none', source: [], target: [], failure: null },
    ...changes,
  });

export const exampleDocument = (changes: Partial<TaskDocument> = {}): TaskDocument =>
  taskDocument.parse({
    task: exampleTask(),
    replication: exampleReplication(),
    cutover: {
      taskId: TASK_ID,
      status: 'possible',
      requestedAt: null,
      sourceServicesStoppedAt: null,
      takenOverAt: null,
      failure: null,
    },
    ...changes,
  });

/** A round whose link was lost at 12:02:11 for the first time, and a window of 15 minutes since then. */
export const exampleLinkLost = (): TaskDocument =>
  exampleDocument({
    replication: exampleReplication({
      activity: 'link-lost',
      resumeWindow: {
        cause: 'link-lost',
        openedAt: '2026-03-01T12:02:11.000Z',
        deadlineAt: '2026-03-01T12:17:11.000Z',
      },
      rounds: [exampleRound({ status: 'link-lost', attempts: 2, endedAt: null, disks: [] })],
    }),
  });

export const exampleFailure = (changes: Partial<Failure> = {}): Failure => ({
  code: 'RESUME_WINDOW_EXPIRED',
  detail: 'The link was lost at 2026-03-01T12:02:11.000Z and did not come back in 900 seconds.',
  remedy: 'Restore the path between source and target; the next synchronization goes on.',
  lost: 'What was on its way and not yet acknowledged.',
  kept: 'Everything that the target acknowledged.',
  ...changes,
});

export const exampleLedger = (): readonly LedgerEntry[] => [
  { kind: 'target-vm', reference: 'vm-1042', state: 'removal-announced', since: '2026-03-01T13:00:00.000Z' },
  { kind: 'target-disk', reference: 'sda', state: 'removed', since: '2026-03-01T13:00:04.000Z' },
];

export const exampleAcknowledged = (rangeCount = 2) => {
  const ranges = Array.from({ length: rangeCount }, (_, at) => ({ offsetBytes: at * GIB, lengthBytes: 2 * MIB }));
  return [{ diskId: 'sda', acknowledgedBytes: rangeCount * 2 * MIB, ranges }];
};

/** @param processed of 1000 MiB planned; the assignment's activity is `transferring` */
export const exampleProgress = (
  atMs: number,
  processedMib: number,
  changes: Partial<EndpointProgress> = {},
): EndpointProgress =>
  endpointProgress.parse({
    taskId: TASK_ID,
    assignmentId: ROUND_ID,
    at: new Date(Date.UTC(2026, 2, 1, 12, 0, 0, atMs)).toISOString(),
    activity: 'transferring',
    disks: [
      {
        diskId: 'sda',
        diskBytes: 2 * GIB,
        plannedBytes: 1000 * MIB,
        processedBytes: processedMib * MIB,
        sentBytes: processedMib * MIB,
        acknowledgedBytes: 0,
      },
    ],
    ...changes,
  });

export const exampleMachine = (changes: Partial<SourceMachineView> = {}): SourceMachineView =>
  sourceMachineView.parse({
    sourceMachineId: SOURCE_ID,
    name: 'db-01',
    connected: true,
    enrolledAt: '2026-03-01T11:00:00.000Z',
    lastChangeAt: '2026-03-01T11:00:01.000Z',
    software: 'landfall-agent 0.1.0',
    inventory: {
      hostname: 'db-01',
      operatingSystem: { name: 'Debian GNU/Linux', version: '12', kernel: '6.1.0', architecture: 'x86_64' },
      firmware: 'uefi',
      cpuCount: 4,
      memoryBytes: 8 * GIB,
      memoryFreeBytes: 2 * GIB,
      disks: [
        {
          diskId: 'sda',
          device: '/dev/sda',
          sizeBytes: 2 * GIB,
          logicalSectorBytes: 512,
          transport: 'sata',
          external: false,
          allocation: 'fixed',
          partitionTable: 'gpt',
          partitions: [
            {
              number: 1,
              device: '/dev/sda1',
              startBytes: MIB,
              sizeBytes: 2 * GIB - 2 * MIB,
              typeId: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
              fileSystem: {
                type: 'ext4',
                uuid: null,
                label: null,
                sizeBytes: 2 * GIB - 2 * MIB,
                usedBytes: GIB,
                mountPoint: '/',
              },
            },
          ],
          fileSystem: null,
        },
      ],
      networkMounts: [{ source: 'nas:/share', mountPoint: '/mnt/share', type: 'nfs4' }],
    },
    ...changes,
  });

export const exampleEvent = (changes: Partial<EventView> = {}): EventView =>
  eventView.parse({
    eventId: '66666666-6666-4666-8666-666666666666',
    stream: `replication-${TASK_ID}`,
    revision: '3',
    position: '1042',
    type: 'transfer.sync-round-completed.v1',
    occurredAt: '2026-03-01T12:00:10.123Z',
    actor: 'service:transfer',
    correlationId: TASK_ID,
    causationId: ROUND_ID,
    commandId: ROUND_ID,
    data: { sentBytes: 960 * MIB },
    ...changes,
  });
