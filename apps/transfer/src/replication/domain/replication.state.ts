import {
  type Comparison,
  type DiskDigest,
  type DiskRoundResult,
  type ExportedDisk,
  type Failure,
  type MigratedDisk,
  type ReplicationSettings,
  type ResumeWindowCause,
  type RoundKind,
  type RoundTrigger,
  settingsFromRecord,
} from '#libs/contracts';
import { uuidV5 } from '#libs/eventsourcing';
import type { End, ReplicationEvent } from './replication.events.js';

export interface RoundInHand {
  readonly roundId: string;
  readonly number: number;
  readonly kind: RoundKind;
  readonly trigger: RoundTrigger;
  readonly resend: boolean;
  /** Counts lost links and pauses; each attempt has exports of its own. */
  readonly attempt: number;
  /** null until the restore environment serves the target disks for this attempt. */
  readonly exports: readonly ExportedDisk[] | null;
  /** `lost`: an earlier attempt had it, or tried for it in vain. */
  readonly link: 'awaited' | 'up' | 'lost';
  readonly comparison: Comparison | null;
}

export interface Verification {
  readonly verificationId: string;
  /** `repairing`: from the first difference until the round that repairs it has completed, retries included. */
  readonly status: 'running' | 'repairing' | 'verified' | 'differed' | 'failed';
  /** The restore environment has said that it reads the disks. */
  readonly isBegun: boolean;
  /** It is made for the second time, after a repair. */
  readonly isAfterRepair: boolean;
  /** The disks that are being repaired. */
  readonly differing: readonly string[];
  readonly target: readonly DiskDigest[];
  readonly failure: Failure | null;
}

/** While it is open, the work in hand waits, and fails at the deadline. */
export interface ResumeWindow {
  readonly generation: number;
  readonly cause: ResumeWindowCause;
  readonly openedAt: string;
  readonly deadlineAt: string;
}

/** The failed round is tried again then. */
export interface Retry {
  readonly generation: number;
  readonly roundKind: RoundKind;
  readonly resend: boolean;
  readonly retryAt: string;
}

export interface Replication {
  readonly taskId: string;
  readonly sourceMachineId: string;
  readonly restorerId: string;
  readonly disks: readonly MigratedDisk[];
  readonly settings: ReplicationSettings;
  readonly roundsStarted: number;
  readonly round: RoundInHand | null;
  readonly window: ResumeWindow | null;
  /** The newest window's or retry's: a deadline of an earlier one means nothing any more. */
  readonly generation: number;
  readonly retry: Retry | null;
  /** Retries since the last round that completed or was asked for. */
  readonly retriesUsed: number;
  /** Ends without a control channel, as far as it matters to the work in hand. */
  readonly away: readonly End[];
  readonly isLastRoundFailed: boolean;
  /** The target differed from what the digests say of it, and the agent has not forgotten them since. */
  readonly isReplicaDoubted: boolean;
  readonly isPaused: boolean;
  readonly isStopped: boolean;
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

/** What both ends call this attempt. */
export const attemptIdOf = ({ roundId, attempt }: { readonly roundId: string; readonly attempt: number }): string =>
  uuidV5(roundId, `attempt:${attempt}`);

/** The target is being digested, or repaired to be digested once more. */
export const isVerifying = (state: Replication): boolean => isDigesting(state) || isRepairing(state);
export const isDigesting = (state: Replication): boolean => state.verification?.status === 'running';
export const isRepairing = (state: Replication): boolean => state.verification?.status === 'repairing';
export const isVerified = (state: Replication): boolean => state.verification?.status === 'verified';

/** The next moment at which something is to happen by itself; null: nothing, or not while it is paused or stopped. */
export const dueAtOf = (state: ReplicationState): string | null =>
  state === null || state.isPaused || state.isStopped
    ? null
    : (state.window?.deadlineAt ?? state.retry?.retryAt ?? null);

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
      window: null,
      generation: 0,
      retry: null,
      retriesUsed: 0,
      away: [],
      isLastRoundFailed: false,
      isReplicaDoubted: false,
      isPaused: false,
      isStopped: false,
      fullSyncCompleted: false,
      finalSyncCompleted: false,
      finalSyncQueued: false,
      sourceDigests: [],
      verification: null,
    };
    return { ...fresh, ...event.data, settings: settingsFromRecord(event.data.settings) };
  }
  return state === null ? null : evolveReplication(state, event);
};

type LaterEvent = Exclude<ReplicationEvent, { type: 'ReplicationPrepared' }>;
/** No work is in hand, so nothing is waited for. */
const NO_WORK = { round: null, window: null, away: [] } as const;

const evolveReplication = (state: Replication, event: LaterEvent): Replication => {
  switch (event.type) {
    case 'SyncRoundStarted':
      return startedRound(state, event.data);
    case 'ExportsOpened':
      return withRound(state, { exports: event.data.exports });
    case 'LinkEstablished':
      return {
        ...withRound(state, { link: 'up', comparison: event.data.comparison }),
        // An agent that is to send everything again forgets its digests before it connects.
        isReplicaDoubted: state.isReplicaDoubted && state.round?.resend !== true,
      };
    case 'LinkLost':
      return withNextAttempt(state, 'lost');
    case 'SyncRoundCompleted':
      return {
        ...state,
        ...NO_WORK,
        retriesUsed: 0,
        isLastRoundFailed: false,
        fullSyncCompleted: true,
        finalSyncCompleted: event.data.roundKind === 'final',
        sourceDigests: event.data.disks.map(digestOf),
      };
    case 'SyncRoundFailed':
      return { ...state, ...NO_WORK, isLastRoundFailed: true };
    case 'RetryScheduled': {
      const { generation, retryNumber, roundKind, resend = false, retryAt } = event.data;
      return { ...state, generation, retriesUsed: retryNumber, retry: { generation, roundKind, resend, retryAt } };
    }
    case 'SyncRoundSkipped':
      return state;
    case 'FinalSyncQueued':
      return { ...state, finalSyncQueued: true };
    case 'ResumeWindowOpened':
    case 'ResumeWindowExtended':
    case 'ResumeWindowClosed':
    case 'ResumeWindowExpired':
    case 'ControlChannelLost':
    case 'ControlChannelRestored':
      return evolveWaiting(state, event);
    case 'VerificationStarted':
    case 'DigestsBegun':
    case 'RepairStarted':
    case 'ReplicaVerified':
    case 'ReplicaDiffered':
    case 'VerificationFailed':
      return evolveVerification(state, event);
    case 'ReplicationThrottled':
      return { ...state, settings: { ...state.settings, throttle: event.data.throttle } };
    case 'ReplicationPaused':
      return atRest(state);
    case 'ReplicationResumed':
      return { ...withNextAttempt(state, 'awaited'), isPaused: false };
    case 'ReplicationStopped':
      return { ...state, isStopped: true, isPaused: false, retry: null, finalSyncQueued: false };
    case 'ReplicationReinstated':
      // The source may have been in service meanwhile: what was proven about the target is history.
      return { ...state, isStopped: false, finalSyncCompleted: false, verification: null };
  }
};

const startedRound = (
  state: Replication,
  {
    roundId,
    number,
    roundKind: kind,
    trigger,
    resend = false,
  }: Extract<LaterEvent, { type: 'SyncRoundStarted' }>['data'],
): Replication => ({
  ...state,
  ...NO_WORK,
  round: { roundId, number, kind, trigger, resend, attempt: 1, exports: null, link: 'awaited', comparison: null },
  roundsStarted: number,
  retry: null,
  retriesUsed: trigger === 'retry' ? state.retriesUsed : 0,
  finalSyncQueued: false,
  // Whatever was proven about the target is history once it is written again.
  finalSyncCompleted: false,
  verification: isRepairing(state) ? state.verification : null,
});

/** The attempt in hand is over. Who is away does not matter until the work goes on, and is not noted until then. */
const atRest = (state: Replication): Replication => {
  const rested = withRound(state, { exports: null, link: 'awaited' });
  return { ...withVerification(rested, { isBegun: false }), isPaused: true, window: null, away: [] };
};

const withRound = (state: Replication, change: Partial<RoundInHand>): Replication =>
  state.round === null ? state : { ...state, round: { ...state.round, ...change } };

const withNextAttempt = (state: Replication, link: RoundInHand['link']): Replication =>
  state.round === null ? state : withRound(state, { attempt: state.round.attempt + 1, exports: null, link });

const withVerification = (state: Replication, change: Partial<Verification>): Replication =>
  state.verification === null ? state : { ...state, verification: { ...state.verification, ...change } };

type WaitingEvent = Extract<LaterEvent, { type: `ResumeWindow${string}` | `ControlChannel${string}` }>;

const evolveWaiting = (state: Replication, event: WaitingEvent): Replication => {
  switch (event.type) {
    case 'ResumeWindowOpened': {
      const { generation, cause, openedAt, deadlineAt } = event.data;
      return { ...state, generation, window: { generation, cause, openedAt, deadlineAt } };
    }
    case 'ResumeWindowExtended':
      return state.window === null
        ? state
        : { ...state, window: { ...state.window, deadlineAt: event.data.deadlineAt } };
    case 'ResumeWindowClosed':
    case 'ResumeWindowExpired':
      return { ...state, window: null };
    case 'ControlChannelLost':
      return { ...state, away: [...state.away.filter((end) => end !== event.data.end), event.data.end] };
    case 'ControlChannelRestored':
      return { ...state, away: state.away.filter((end) => end !== event.data.end) };
  }
};

type VerificationEvent = Extract<
  LaterEvent,
  {
    type:
      | 'VerificationStarted'
      | 'DigestsBegun'
      | 'RepairStarted'
      | 'ReplicaVerified'
      | 'ReplicaDiffered'
      | 'VerificationFailed';
  }
>;

const evolveVerification = (state: Replication, event: VerificationEvent): Replication => {
  switch (event.type) {
    case 'VerificationStarted': {
      const { verificationId } = event.data;
      const fresh = { status: 'running', isBegun: false, differing: [], target: [], failure: null } as const;
      return { ...state, verification: { verificationId, ...fresh, isAfterRepair: isRepairing(state) } };
    }
    case 'DigestsBegun':
      return withVerification(state, { isBegun: true });
    case 'RepairStarted': {
      const differing = event.data.differing.map(({ diskId }) => diskId);
      const repairing = withVerification(state, { status: 'repairing', isBegun: false, differing });
      return { ...repairing, ...NO_WORK, finalSyncCompleted: false };
    }
    case 'ReplicaVerified':
      return { ...withVerification(state, { status: 'verified', target: event.data.disks }), ...NO_WORK };
    case 'ReplicaDiffered':
      return { ...withVerification(state, { status: 'differed' }), ...NO_WORK, isReplicaDoubted: true };
    case 'VerificationFailed':
      return { ...withVerification(state, { status: 'failed', failure: event.data.failure }), ...NO_WORK };
  }
};
