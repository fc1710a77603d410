import type {
  Comparison,
  MigratedDisk,
  Published,
  RecordedReplicationSettings,
  RescanReason,
  ResumeWindowCause,
  RoundKind,
  ThrottleSettings,
} from '#libs/contracts';
import type { DomainEvent } from '#libs/eventsourcing';

/** One of the two ends of a replication: the agent on the source, the restorer on the target. */
export type End = 'agent' | 'restorer';

/** Which machine's disks go to which restore environment. */
export type ReplicationPrepared = DomainEvent<
  'ReplicationPrepared',
  {
    readonly taskId: string;
    readonly sourceMachineId: string;
    readonly restorerId: string;
    readonly disks: readonly MigratedDisk[];
    /** Left out by versions that had none: the defaults. */
    readonly settings?: RecordedReplicationSettings | undefined;
  }
>;

export type SyncRoundStarted = DomainEvent<'SyncRoundStarted', Published['syncRoundStarted']>;
export type ExportsOpened = DomainEvent<'ExportsOpened', Published['exportsOpened']>;

/** The agent has its data path in this attempt, and begins or goes on. */
export type LinkEstablished = DomainEvent<
  'LinkEstablished',
  {
    readonly taskId: string;
    readonly roundId: string;
    readonly attempt: number;
    readonly comparison: Comparison;
    /** Only with `rescan`, and left out by agents that did not track changes. */
    readonly rescanReason?: RescanReason | undefined;
  }
>;

/** This attempt of the round is over, and the next one begins with fresh exports. What was acknowledged is kept. */
export type LinkLost = DomainEvent<
  'LinkLost',
  {
    readonly taskId: string;
    readonly roundId: string;
    readonly attempt: number;
    readonly lostAt: string;
    readonly detail: string;
  }
>;

/** Work cannot go on; unless the window is closed before, the work fails at the deadline. `workId`: a round or a verification. */
export type ResumeWindowOpened = DomainEvent<
  'ResumeWindowOpened',
  {
    readonly taskId: string;
    readonly workId: string;
    readonly generation: number;
    readonly cause: ResumeWindowCause;
    readonly openedAt: string;
    readonly deadlineAt: string;
  }
>;

/** The end that is away was seen at work by the other one. */
export type ResumeWindowExtended = DomainEvent<
  'ResumeWindowExtended',
  {
    readonly taskId: string;
    readonly workId: string;
    readonly generation: number;
    readonly seenAt: string;
    readonly deadlineAt: string;
  }
>;
export type ResumeWindowClosed = DomainEvent<
  'ResumeWindowClosed',
  { readonly taskId: string; readonly workId: string; readonly generation: number }
>;
export type ResumeWindowExpired = DomainEvent<
  'ResumeWindowExpired',
  {
    readonly taskId: string;
    readonly workId: string;
    readonly generation: number;
    readonly cause: ResumeWindowCause;
    readonly deadlineAt: string;
  }
>;

/** An end has no control channel any more while there is work; its data path may well go on. */
export type ControlChannelLost = DomainEvent<
  'ControlChannelLost',
  { readonly taskId: string; readonly workId: string; readonly end: End; readonly lostAt: string }
>;
export type ControlChannelRestored = DomainEvent<
  'ControlChannelRestored',
  { readonly taskId: string; readonly workId: string; readonly end: End; readonly restoredAt: string }
>;

export type SyncRoundCompleted = DomainEvent<'SyncRoundCompleted', Published['syncRoundCompleted']>;

/** What the target acknowledged before is kept; the next round compares digests and sends only what differs. */
export type SyncRoundFailed = DomainEvent<'SyncRoundFailed', Published['syncRoundFailed']>;

/** The failed round is tried again by itself, unless another round begins before. */
export type RetryScheduled = DomainEvent<
  'RetryScheduled',
  {
    readonly taskId: string;
    readonly roundKind: RoundKind;
    /** As the failed round was asked for; left out: only what the target is not known to hold. */
    readonly resend?: boolean | undefined;
    readonly retryNumber: number;
    readonly generation: number;
    readonly retryAt: string;
  }
>;

/** A synchronization time point found something else going on. */
export type SyncRoundSkipped = DomainEvent<'SyncRoundSkipped', { readonly taskId: string; readonly reason: string }>;

/** The final round waits for the round in hand. */
export type FinalSyncQueued = DomainEvent<'FinalSyncQueued', { readonly taskId: string }>;

export type VerificationStarted = DomainEvent<
  'VerificationStarted',
  { readonly taskId: string; readonly verificationId: string }
>;
export type DigestsBegun = DomainEvent<'DigestsBegun', { readonly taskId: string; readonly verificationId: string }>;
/** The target differs for the first time: a final round begins that finds the blocks and sends them again. */
export type RepairStarted = DomainEvent<'RepairStarted', Published['replicaDiffered']>;
export type ReplicaVerified = DomainEvent<'ReplicaVerified', Published['replicaVerified']>;
export type ReplicaDiffered = DomainEvent<'ReplicaDiffered', Published['replicaDiffered']>;
export type VerificationFailed = DomainEvent<'VerificationFailed', Published['verificationFailed']>;

/** Other caps, also for the round in hand. */
export type ReplicationThrottled = DomainEvent<
  'ReplicationThrottled',
  { readonly taskId: string; readonly throttle: ThrottleSettings }
>;

/** A person holds everything; the round in hand keeps what it has. */
export type ReplicationPaused = DomainEvent<'ReplicationPaused', { readonly taskId: string }>;
/** A round in hand goes on with its next attempt. */
export type ReplicationResumed = DomainEvent<'ReplicationResumed', { readonly taskId: string }>;
/** The task was cancelled: no work until it is reinstated. */
export type ReplicationStopped = DomainEvent<'ReplicationStopped', { readonly taskId: string }>;
export type ReplicationReinstated = DomainEvent<'ReplicationReinstated', { readonly taskId: string }>;

export type ReplicationEvent =
  | ReplicationPrepared
  | SyncRoundStarted
  | ExportsOpened
  | LinkEstablished
  | LinkLost
  | ResumeWindowOpened
  | ResumeWindowExtended
  | ResumeWindowClosed
  | ResumeWindowExpired
  | ControlChannelLost
  | ControlChannelRestored
  | SyncRoundCompleted
  | SyncRoundFailed
  | RetryScheduled
  | SyncRoundSkipped
  | FinalSyncQueued
  | VerificationStarted
  | DigestsBegun
  | RepairStarted
  | ReplicaVerified
  | ReplicaDiffered
  | VerificationFailed
  | ReplicationThrottled
  | ReplicationPaused
  | ReplicationResumed
  | ReplicationStopped
  | ReplicationReinstated;
