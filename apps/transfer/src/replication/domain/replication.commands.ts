import type {
  Comparison,
  DiskDigest,
  DiskRoundResult,
  ExportedDisk,
  ReplicationFailureCode,
  ReplicationSettings,
  RescanReason,
  RoundTrigger,
  ThrottleSettings,
} from '#libs/contracts';
import type { End, ReplicationPrepared } from './replication.events.js';

export type ReplicationCommand =
  | {
      readonly type: 'StartFullSync';
      readonly replication: Omit<ReplicationPrepared['data'], 'settings'> & { readonly settings: ReplicationSettings };
    }
  | {
      readonly type: 'StartSyncRound';
      readonly trigger: Extract<RoundTrigger, 'manual' | 'schedule'>;
      readonly resend: boolean;
    }
  | { readonly type: 'StartFinalSync' }
  | {
      readonly type: 'NoteExportsOpened';
      readonly roundId: string;
      readonly attempt: number;
      readonly exports: readonly ExportedDisk[];
    }
  /** What the restorer says when it cannot serve the disks, or does not any more. */
  | {
      readonly type: 'NoteExportsFailed';
      readonly roundId: string;
      readonly attempt: number;
      readonly code: ReplicationFailureCode;
      readonly detail: string;
      readonly at: string;
    }
  /** `at`: when the end saw it, on the server's clock. */
  | {
      readonly type: 'NoteLinkEstablished';
      readonly roundId: string;
      readonly attempt: number;
      readonly comparison: Comparison;
      readonly rescanReason?: RescanReason | undefined;
      readonly at: string;
    }
  | {
      readonly type: 'NoteLinkLost';
      readonly roundId: string;
      readonly attempt: number;
      readonly at: string;
      readonly detail: string;
    }
  /** An end dialled in; `inHand` is the assignment that it says it works on. */
  | { readonly type: 'NoteEndConnected'; readonly end: End; readonly inHand: string | null; readonly at: string }
  | { readonly type: 'NoteEndAway'; readonly end: End; readonly at: string }
  /** A window or a retry is due. `seenAt`: when there was a sign of life of what is waited for; null: none. */
  | { readonly type: 'ReachDeadline'; readonly generation: number; readonly seenAt: string | null }
  | { readonly type: 'CompleteSyncRound'; readonly roundId: string; readonly disks: readonly DiskRoundResult[] }
  | {
      readonly type: 'FailSyncRound';
      readonly roundId: string;
      readonly code: ReplicationFailureCode;
      readonly detail: string;
    }
  | { readonly type: 'StartVerification' }
  | { readonly type: 'NoteDigestsBegun'; readonly verificationId: string }
  | { readonly type: 'CompareDigests'; readonly verificationId: string; readonly disks: readonly DiskDigest[] }
  | {
      readonly type: 'FailVerification';
      readonly verificationId: string;
      readonly code: ReplicationFailureCode;
      readonly detail: string;
    }
  | { readonly type: 'AdjustThrottle'; readonly throttle: ThrottleSettings }
  | { readonly type: 'PauseReplication' }
  | { readonly type: 'ResumeReplication' }
  | { readonly type: 'StopReplication' }
  | { readonly type: 'ReinstateReplication' };

export type CommandOf<Type extends ReplicationCommand['type']> = Extract<ReplicationCommand, { type: Type }>;
