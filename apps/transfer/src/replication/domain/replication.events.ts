import type { MigratedDisk, Published } from '#libs/contracts';
import type { DomainEvent } from '#libs/eventsourcing';

/** Which machine's disks go to which restore environment. */
export type ReplicationPrepared = DomainEvent<
  'ReplicationPrepared',
  {
    readonly taskId: string;
    readonly sourceMachineId: string;
    readonly restorerId: string;
    readonly disks: readonly MigratedDisk[];
  }
>;
export type SyncRoundStarted = DomainEvent<'SyncRoundStarted', Published['syncRoundStarted']>;
export type ExportsOpened = DomainEvent<'ExportsOpened', Published['exportsOpened']>;
export type SyncRoundCompleted = DomainEvent<'SyncRoundCompleted', Published['syncRoundCompleted']>;
/** What the target acknowledged before is kept; the next round compares digests and sends only what differs. */
export type SyncRoundFailed = DomainEvent<'SyncRoundFailed', Published['syncRoundFailed']>;
/** A synchronization time point found something else going on. */
export type SyncRoundSkipped = DomainEvent<'SyncRoundSkipped', { readonly taskId: string; readonly reason: string }>;
/** The final round waits for the round in hand. */
export type FinalSyncQueued = DomainEvent<'FinalSyncQueued', { readonly taskId: string }>;
export type VerificationStarted = DomainEvent<
  'VerificationStarted',
  { readonly taskId: string; readonly verificationId: string }
>;
export type ReplicaVerified = DomainEvent<'ReplicaVerified', Published['replicaVerified']>;
export type ReplicaDiffered = DomainEvent<'ReplicaDiffered', Published['replicaDiffered']>;
export type VerificationFailed = DomainEvent<'VerificationFailed', Published['verificationFailed']>;

export type ReplicationEvent =
  | ReplicationPrepared
  | SyncRoundStarted
  | ExportsOpened
  | SyncRoundCompleted
  | SyncRoundFailed
  | SyncRoundSkipped
  | FinalSyncQueued
  | VerificationStarted
  | ReplicaVerified
  | ReplicaDiffered
  | VerificationFailed;
