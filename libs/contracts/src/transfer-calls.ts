import * as z from 'zod';
import {
  comparison,
  digestAlgorithm,
  diskDigest,
  diskRoundResult,
  endpointKind,
  rescanReason,
  roundKind,
} from './control-channel.js';
import { machineInventory } from './inventory.js';
import { failure, migratedDisk, roundTrigger } from './published-events.js';
import { byteRange, bytes, instant } from './quantities.js';
import { nothing, serviceCall } from './service-call.js';
import { DEFAULT_THROTTLE } from './throttle-defaults.js';
import { throttleSettings } from './throttle.js';

export const sourceMachineView = z.object({
  sourceMachineId: z.uuid(),
  name: z.string(),
  connected: z.boolean(),
  enrolledAt: instant,
  lastChangeAt: instant,
  software: z.string().nullable(),
  inventory: machineInventory.nullable(),
});
export type SourceMachineView = z.infer<typeof sourceMachineView>;

export const syncRoundView = z.object({
  roundId: z.uuid(),
  number: z.number().int(),
  roundKind,
  trigger: roundTrigger,
  status: z.enum(['opening-exports', 'connecting', 'transferring', 'link-lost', 'paused', 'completed', 'failed']),
  /** How often the round was taken up: 1, and one more for each lost link and each pause. */
  attempts: z.number().int().min(1),
  /** null until the agent has begun; `rescan` and `tracked`: only what differs from the target is sent. */
  comparison: comparison.nullable(),
  /** Why all used blocks are compared; with `rescan` alone. A disk may have had to be compared later in the round: see `disks`. */
  rescanReason: rescanReason.optional(),
  resend: z.boolean(),
  startedAt: instant,
  endedAt: instant.nullable(),
  disks: z.array(diskRoundResult),
  failure: failure.nullable(),
});
export type SyncRoundView = z.infer<typeof syncRoundView>;

/** Why work waits: for its beginning, for the lost link, or for an end that is away. */
export const resumeWindowCause = z.enum(['begin', 'link-lost', 'agent-away', 'restorer-away']);
export type ResumeWindowCause = z.infer<typeof resumeWindowCause>;
export const resumeWindowView = z.object({ cause: resumeWindowCause, openedAt: instant, deadlineAt: instant });
export type ResumeWindowView = z.infer<typeof resumeWindowView>;

/** How a replication deals with interruptions and with its source; part of a task's order. */
export const replicationSettings = z.object({
  resumeWindowSeconds: z.number().int().min(1).max(86_400),
  /** After a failed round: send what differs from the kept digests, or everything. */
  afterFailure: z.enum(['compare-digests', 'resend-everything']),
  /** How often a round that failed in a way that may pass is tried again by itself, and how long after. Doubles each time. */
  retryLimit: z.number().int().min(0).max(20),
  retryDelaySeconds: z.number().int().min(1).max(86_400),
  /** How blocks are compared and the target is proven equal; the same for all rounds of a task. */
  digestAlgorithm,
  /** What of the source it may take. */
  throttle: throttleSettings,
});
export type ReplicationSettings = z.infer<typeof replicationSettings>;
export const DEFAULT_REPLICATION_SETTINGS: ReplicationSettings = {
  resumeWindowSeconds: 900,
  afterFailure: 'compare-digests',
  retryLimit: 3,
  retryDelaySeconds: 60,
  digestAlgorithm: 'blake3',
  throttle: DEFAULT_THROTTLE,
};

/** What earlier versions did not record, and is not added to what they recorded. */
export const SETTINGS_SINCE = { digestAlgorithm: digestAlgorithm.optional(), throttle: throttleSettings.optional() };
/** As events hold them: recorded before tasks could choose their digests or their throttle, they name none. */
export const recordedReplicationSettings = replicationSettings.extend(SETTINGS_SINCE);
export type RecordedReplicationSettings = z.infer<typeof recordedReplicationSettings>;
/** What an event means that does not name them. */
export const settingsBeforeChoice = ({
  digestAlgorithm = 'sha256',
  throttle = DEFAULT_THROTTLE,
}: Partial<RecordedReplicationSettings> = {}): Pick<ReplicationSettings, 'digestAlgorithm' | 'throttle'> => ({
  digestAlgorithm,
  throttle,
});
/** Settings as they were recorded; undefined: by a version that had none. */
export const settingsFromRecord = (recorded: RecordedReplicationSettings | undefined): ReplicationSettings => ({
  ...(recorded ?? DEFAULT_REPLICATION_SETTINGS),
  ...settingsBeforeChoice(recorded),
});

export const replicationView = z.object({
  taskId: z.uuid(),
  sourceMachineId: z.uuid(),
  restorerId: z.uuid(),
  disks: z.array(migratedDisk),
  /** What goes on right now. */
  activity: z.enum([
    'idle',
    'opening-exports',
    'connecting',
    'transferring',
    'link-lost',
    'paused',
    'verifying',
    'waiting-for-retry',
    'stopped',
  ]),
  settings: replicationSettings,
  /** Open while work waits; the work fails at its deadline. */
  resumeWindow: resumeWindowView.nullable(),
  /** When a failed round is tried again by itself. */
  retryAt: instant.nullable(),
  fullSyncCompleted: z.boolean(),
  finalSyncCompleted: z.boolean(),
  /** Newest last. */
  rounds: z.array(syncRoundView),
  verification: z.object({
    /** `repairing`: it found a difference, and a final round resends what differs before it is made once more. */
    status: z.enum(['none', 'running', 'repairing', 'verified', 'differed', 'failed']),
    source: z.array(diskDigest),
    target: z.array(diskDigest),
    failure: failure.nullable(),
  }),
});
export type ReplicationView = z.infer<typeof replicationView>;

const ofTask = z.object({ taskId: z.uuid() });

export const transferCalls = {
  issueEnrolmentToken: serviceCall(
    'transfer.issue-enrolment-token',
    z.object({
      kind: endpointKind,
      name: z.string().min(1).max(255).nullable(),
      validSeconds: z.number().int().min(60).max(604_800),
    }),
    z.object({ token: z.string(), expiresAt: instant, serverUrl: z.string() }),
  ),
  listSourceMachines: serviceCall(
    'transfer.list-source-machines',
    nothing,
    z.object({ sourceMachines: z.array(sourceMachineView) }),
  ),
  getSourceMachine: serviceCall(
    'transfer.get-source-machine',
    z.object({ sourceMachineId: z.uuid() }),
    sourceMachineView,
  ),
  startFullSync: serviceCall(
    'transfer.start-full-sync',
    z.object({
      taskId: z.uuid(),
      sourceMachineId: z.uuid(),
      restorerId: z.uuid(),
      disks: z.array(migratedDisk).min(1),
      settings: replicationSettings,
    }),
    nothing,
  ),
  /** A manual or scheduled round: incremental, or the full one again while none has completed. */
  startSyncRound: serviceCall(
    'transfer.start-sync-round',
    z.object({
      taskId: z.uuid(),
      trigger: z.enum(['manual', 'schedule']),
      /** Send everything again, whatever the target is known to hold. */
      resend: z.boolean(),
    }),
    z.object({ roundId: z.uuid().nullable(), skipped: z.string().nullable() }),
  ),
  startFinalSync: serviceCall('transfer.start-final-sync', ofTask, nothing),
  verifyReplica: serviceCall('transfer.verify-replica', ofTask, nothing),
  /** The round in hand stops where it is, and no other begins. */
  pauseReplication: serviceCall('transfer.pause-replication', ofTask, nothing),
  resumeReplication: serviceCall('transfer.resume-replication', ofTask, nothing),
  /** The task was cancelled: the round in hand ends, the ends are told to rest. Taken back by `reinstate`. */
  stopReplication: serviceCall('transfer.stop-replication', ofTask, nothing),
  reinstateReplication: serviceCall('transfer.reinstate-replication', ofTask, nothing),
  /** Other caps, also for the round in hand. */
  adjustThrottle: serviceCall(
    'transfer.adjust-throttle',
    z.object({ taskId: z.uuid(), throttle: throttleSettings }),
    nothing,
  ),
  /** What the target acknowledged: joined ranges of each disk, of one round or of all that are remembered. */
  readAcknowledgedRanges: serviceCall(
    'transfer.read-acknowledged-ranges',
    z.object({ taskId: z.uuid(), roundId: z.uuid().nullable() }),
    z.object({
      disks: z.array(
        z.object({
          diskId: z.string(),
          acknowledgedBytes: bytes,
          ranges: z.array(byteRange),
          /** How many further ranges, at higher offsets, the answer had no room for; they are counted in the bytes. Left out: none. */
          rangesLeftOut: z.number().int().positive().optional(),
        }),
      ),
    }),
  ),
  getReplication: serviceCall('transfer.get-replication', ofTask, replicationView.nullable()),
} as const;

/** Telemetry of running rounds, published on core NATS as it comes; payload {@link endpointProgress} as JSON. */
export const progressSubject = (taskId: string): string => `landfall.telemetry.progress.${taskId}`;

/**
 * News that bytes still reach the target of a task, as its restorer sees it; payload `{ taskId, at }`. It keeps work
 * going whose agent has no control channel.
 */
export const DATA_SEEN = 'landfall.transfer.data-seen';
