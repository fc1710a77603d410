import type { DiskDigest, DiskRoundResult, ExportedDisk, Failure, RoundTrigger } from '#libs/contracts';
import type { ReplicationPrepared } from './replication.events.js';

export type ReplicationCommand =
  | { readonly type: 'StartFullSync'; readonly replication: ReplicationPrepared['data'] }
  | { readonly type: 'StartSyncRound'; readonly trigger: RoundTrigger }
  | { readonly type: 'StartFinalSync' }
  | { readonly type: 'NoteExportsOpened'; readonly roundId: string; readonly exports: readonly ExportedDisk[] }
  | { readonly type: 'CompleteSyncRound'; readonly roundId: string; readonly disks: readonly DiskRoundResult[] }
  | { readonly type: 'FailSyncRound'; readonly roundId: string; readonly failure: Failure }
  | { readonly type: 'StartVerification' }
  | { readonly type: 'CompareDigests'; readonly verificationId: string; readonly disks: readonly DiskDigest[] }
  | { readonly type: 'FailVerification'; readonly verificationId: string; readonly failure: Failure };
