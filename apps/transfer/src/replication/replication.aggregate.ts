import * as z from 'zod';
import {
  PUBLISHED,
  comparison,
  rescanReason,
  instant,
  migratedDisk,
  recordedReplicationSettings,
  resumeWindowCause,
  roundKind,
  throttleSettings,
} from '#libs/contracts';
import { type Aggregate, defineCodec } from '#libs/eventsourcing';
import type { ReplicationCommand } from './domain/replication.commands.js';
import { replicationDecider } from './domain/replication.decider.js';
import type { ReplicationEvent } from './domain/replication.events.js';
import type { ReplicationState } from './domain/replication.state.js';

const taskId = z.uuid();
const attempt = z.number().int().positive();
const generation = z.number().int().positive();
const ofTask = z.object({ taskId });
const ofRound = z.object({ taskId, roundId: z.uuid() });
const ofWork = z.object({ taskId, workId: z.uuid() });
const end = z.enum(['agent', 'restorer']);

export const replications: Aggregate<ReplicationState, ReplicationCommand, ReplicationEvent> = {
  category: 'replication',
  producer: 'transfer',
  decider: replicationDecider,
  codec: defineCodec<ReplicationEvent>({
    ReplicationPrepared: {
      stored: 'transfer.replication-prepared.v1',
      schema: z.object({
        taskId,
        sourceMachineId: z.uuid(),
        restorerId: z.uuid(),
        disks: z.array(migratedDisk),
        settings: recordedReplicationSettings.optional(),
      }),
    },
    SyncRoundStarted: PUBLISHED.syncRoundStarted,
    ExportsOpened: PUBLISHED.exportsOpened,
    LinkEstablished: {
      stored: 'transfer.link-established.v1',
      schema: ofRound.extend({ attempt, comparison, rescanReason: rescanReason.optional() }),
    },
    LinkLost: {
      stored: 'transfer.link-lost.v1',
      schema: ofRound.extend({ attempt, lostAt: instant, detail: z.string() }),
    },
    ResumeWindowOpened: {
      stored: 'transfer.resume-window-opened.v1',
      schema: ofWork.extend({ generation, cause: resumeWindowCause, openedAt: instant, deadlineAt: instant }),
    },
    ResumeWindowExtended: {
      stored: 'transfer.resume-window-extended.v1',
      schema: ofWork.extend({ generation, seenAt: instant, deadlineAt: instant }),
    },
    ResumeWindowClosed: { stored: 'transfer.resume-window-closed.v1', schema: ofWork.extend({ generation }) },
    ResumeWindowExpired: {
      stored: 'transfer.resume-window-expired.v1',
      schema: ofWork.extend({ generation, cause: resumeWindowCause, deadlineAt: instant }),
    },
    ControlChannelLost: {
      stored: 'transfer.control-channel-lost.v1',
      schema: ofWork.extend({ end, lostAt: instant }),
    },
    ControlChannelRestored: {
      stored: 'transfer.control-channel-restored.v1',
      schema: ofWork.extend({ end, restoredAt: instant }),
    },
    SyncRoundCompleted: PUBLISHED.syncRoundCompleted,
    SyncRoundFailed: PUBLISHED.syncRoundFailed,
    RetryScheduled: {
      stored: 'transfer.retry-scheduled.v1',
      schema: ofTask.extend({
        roundKind,
        resend: z.boolean().optional(),
        retryNumber: z.number().int().positive(),
        generation,
        retryAt: instant,
      }),
    },
    SyncRoundSkipped: {
      stored: 'transfer.sync-round-skipped.v1',
      schema: z.object({ taskId, reason: z.string() }),
    },
    FinalSyncQueued: { stored: 'transfer.final-sync-queued.v1', schema: ofTask },
    VerificationStarted: {
      stored: 'transfer.verification-started.v1',
      schema: z.object({ taskId, verificationId: z.uuid() }),
    },
    DigestsBegun: {
      stored: 'transfer.digests-begun.v1',
      schema: ofTask.extend({ verificationId: z.uuid() }),
    },
    RepairStarted: { stored: 'transfer.repair-started.v1', schema: PUBLISHED.replicaDiffered.schema },
    ReplicaVerified: PUBLISHED.replicaVerified,
    ReplicaDiffered: PUBLISHED.replicaDiffered,
    VerificationFailed: PUBLISHED.verificationFailed,
    ReplicationThrottled: {
      stored: 'transfer.replication-throttled.v1',
      schema: ofTask.extend({ throttle: throttleSettings }),
    },
    ReplicationPaused: { stored: 'transfer.replication-paused.v1', schema: ofTask },
    ReplicationResumed: PUBLISHED.replicationResumed,
    ReplicationStopped: PUBLISHED.replicationStopped,
    ReplicationReinstated: PUBLISHED.replicationReinstated,
  }),
};
