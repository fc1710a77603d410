import { z } from 'zod';
import { diskDigest, diskRoundResult, endpointKind, roundKind } from './control-channel.js';
import { machineInventory } from './inventory.js';
import { failure, migratedDisk, roundTrigger } from './published-events.js';
import { instant } from './quantities.js';
import { nothing, serviceCall } from './service-call.js';

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
  status: z.enum(['opening-exports', 'transferring', 'completed', 'failed']),
  startedAt: instant,
  endedAt: instant.nullable(),
  disks: z.array(diskRoundResult),
  failure: failure.nullable(),
});
export type SyncRoundView = z.infer<typeof syncRoundView>;

export const replicationView = z.object({
  taskId: z.uuid(),
  sourceMachineId: z.uuid(),
  restorerId: z.uuid(),
  disks: z.array(migratedDisk),
  /** What goes on right now. */
  activity: z.enum(['idle', 'opening-exports', 'transferring', 'verifying']),
  fullSyncCompleted: z.boolean(),
  finalSyncCompleted: z.boolean(),
  /** Newest last. */
  rounds: z.array(syncRoundView),
  verification: z.object({
    status: z.enum(['none', 'running', 'verified', 'differed', 'failed']),
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
    }),
    nothing,
  ),
  /** A manual or scheduled round: incremental, or the full one again while none has completed. */
  startSyncRound: serviceCall(
    'transfer.start-sync-round',
    z.object({ taskId: z.uuid(), trigger: roundTrigger }),
    z.object({ roundId: z.uuid().nullable(), skipped: z.string().nullable() }),
  ),
  startFinalSync: serviceCall('transfer.start-final-sync', ofTask, nothing),
  verifyReplica: serviceCall('transfer.verify-replica', ofTask, nothing),
  getReplication: serviceCall('transfer.get-replication', ofTask, replicationView.nullable()),
} as const;

/** Telemetry of running rounds, published on core NATS as it comes; payload {@link endpointProgress} as JSON. */
export const progressSubject = (taskId: string): string => `landfall.telemetry.progress.${taskId}`;
