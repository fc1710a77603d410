import type {
  DiskDigest,
  DiskRoundResult,
  ExportedDisk,
  Failure,
  MigratedDisk,
  RoundKind,
  RoundTrigger,
} from '#libs/contracts';
import type { ReplicationEvent } from './replication.events.js';

export interface RoundInHand {
  readonly roundId: string;
  readonly number: number;
  readonly kind: RoundKind;
  readonly trigger: RoundTrigger;
  /** null until the restore environment serves the target disks. */
  readonly exports: readonly ExportedDisk[] | null;
}

export interface Verification {
  readonly verificationId: string;
  readonly status: 'running' | 'verified' | 'differed' | 'failed';
  readonly target: readonly DiskDigest[];
  readonly failure: Failure | null;
}

export interface Replication {
  readonly taskId: string;
  readonly sourceMachineId: string;
  readonly restorerId: string;
  readonly disks: readonly MigratedDisk[];
  readonly roundsStarted: number;
  readonly round: RoundInHand | null;
  readonly fullSyncCompleted: boolean;
  /** The newest completed round was a final one, so the target equals the stopped source. */
  readonly finalSyncCompleted: boolean;
  readonly finalSyncQueued: boolean;
  /** The source's digests as of the newest completed round. */
  readonly sourceDigests: readonly DiskDigest[];
  readonly verification: Verification | null;
}

export type ReplicationState = Replication | null;

export const initialState: ReplicationState = null as ReplicationState;

const digestOf = (result: DiskRoundResult): DiskDigest => ({
  diskId: result.diskId,
  diskBytes: result.diskBytes,
  digestAlgorithm: result.digestAlgorithm,
  digestBlockBytes: result.digestBlockBytes,
  rootDigest: result.rootDigest,
});

export const evolve = (state: ReplicationState, event: ReplicationEvent): ReplicationState => {
  if (event.type === 'ReplicationPrepared') {
    const fresh = {
      roundsStarted: 0,
      round: null,
      fullSyncCompleted: false,
      finalSyncCompleted: false,
      finalSyncQueued: false,
      sourceDigests: [],
      verification: null,
    };
    return { ...fresh, ...event.data };
  }
  return state === null ? null : evolveReplication(state, event);
};

const evolveReplication = (
  state: Replication,
  event: Exclude<ReplicationEvent, { type: 'ReplicationPrepared' }>,
): Replication => {
  switch (event.type) {
    case 'SyncRoundStarted': {
      const { roundId, number, roundKind: kind, trigger } = event.data;
      const round = { roundId, number, kind, trigger, exports: null };
      // Whatever was proven about the target is history once it is written again.
      return {
        ...state,
        round,
        roundsStarted: number,
        finalSyncQueued: false,
        finalSyncCompleted: false,
        verification: null,
      };
    }
    case 'ExportsOpened':
      return state.round === null ? state : { ...state, round: { ...state.round, exports: event.data.exports } };
    case 'SyncRoundCompleted':
      return {
        ...state,
        round: null,
        fullSyncCompleted: true,
        finalSyncCompleted: event.data.roundKind === 'final',
        sourceDigests: event.data.disks.map(digestOf),
      };
    case 'SyncRoundFailed':
      return { ...state, round: null };
    case 'SyncRoundSkipped':
      return state;
    case 'FinalSyncQueued':
      return { ...state, finalSyncQueued: true };
    case 'VerificationStarted':
      return {
        ...state,
        verification: { verificationId: event.data.verificationId, status: 'running', target: [], failure: null },
      };
    case 'ReplicaVerified':
      return withVerification(state, { status: 'verified', target: event.data.disks });
    case 'ReplicaDiffered':
      return withVerification(state, { status: 'differed' });
    case 'VerificationFailed':
      return withVerification(state, { status: 'failed', failure: event.data.failure });
  }
};

const withVerification = (state: Replication, change: Partial<Verification>): Replication =>
  state.verification === null ? state : { ...state, verification: { ...state.verification, ...change } };
