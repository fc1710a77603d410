import { z } from 'zod';
import { PUBLISHED, migratedDisk } from '#libs/contracts';
import { type Aggregate, defineCodec } from '#libs/eventsourcing';
import type { ReplicationCommand } from './domain/replication.commands.js';
import { replicationDecider } from './domain/replication.decider.js';
import type { ReplicationEvent } from './domain/replication.events.js';
import type { ReplicationState } from './domain/replication.state.js';

const taskId = z.uuid();

export const replications: Aggregate<ReplicationState, ReplicationCommand, ReplicationEvent> = {
  category: 'replication',
  producer: 'transfer',
  decider: replicationDecider,
  codec: defineCodec<ReplicationEvent>({
    ReplicationPrepared: {
      stored: 'transfer.replication-prepared.v1',
      schema: z.object({ taskId, sourceMachineId: z.uuid(), restorerId: z.uuid(), disks: z.array(migratedDisk) }),
    },
    SyncRoundStarted: PUBLISHED.syncRoundStarted,
    ExportsOpened: PUBLISHED.exportsOpened,
    SyncRoundCompleted: PUBLISHED.syncRoundCompleted,
    SyncRoundFailed: PUBLISHED.syncRoundFailed,
    SyncRoundSkipped: {
      stored: 'transfer.sync-round-skipped.v1',
      schema: z.object({ taskId, reason: z.string() }),
    },
    FinalSyncQueued: { stored: 'transfer.final-sync-queued.v1', schema: z.object({ taskId }) },
    VerificationStarted: {
      stored: 'transfer.verification-started.v1',
      schema: z.object({ taskId, verificationId: z.uuid() }),
    },
    ReplicaVerified: PUBLISHED.replicaVerified,
    ReplicaDiffered: PUBLISHED.replicaDiffered,
    VerificationFailed: PUBLISHED.verificationFailed,
  }),
};
