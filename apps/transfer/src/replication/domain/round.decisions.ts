import {
  FAILURES,
  type Failure,
  type ReplicationFailureCode,
  type RoundKind,
  type RoundTrigger,
  failureFor,
} from '#libs/contracts';
import { type CommandContext, uuidV5 } from '#libs/eventsourcing';
import type { CommandOf } from './replication.commands.js';
import {
  finalSyncPending,
  finished,
  noFullSync,
  paused,
  roundRunning,
  roundUnknown,
  stopped,
  verifying,
} from './replication.errors.js';
import type { ReplicationEvent } from './replication.events.js';
import {
  type Replication,
  type ReplicationState,
  type RoundInHand,
  evolve,
  isRepairing,
  isVerified,
  isVerifying,
} from './replication.state.js';
import { later, openWindow } from './resume-window.js';

interface Wish {
  readonly roundKind: RoundKind;
  readonly trigger: RoundTrigger;
  readonly resend: boolean;
}

/** A round begins, and with it the wait for the restore environment and the agent. */
export const startRound = (state: Replication, wish: Wish, context: CommandContext): ReplicationEvent[] => {
  const { taskId, settings, isLastRoundFailed } = state;
  const { roundKind, trigger } = wish;
  const roundId = uuidV5(context.commandId, 'round');
  const isPolicy = settings.afterFailure === 'resend-everything' && isLastRoundFailed;
  // A final round reads while file systems are held still: it sends what is not needed only when nothing can be relied on.
  const resend = roundKind === 'final' ? state.isReplicaDoubted : wish.resend || isPolicy;
  const number = state.roundsStarted + 1;
  return [
    {
      type: 'SyncRoundStarted',
      data: { taskId, roundId, number, roundKind, trigger, ...(resend ? { resend } : {}) },
    },
    openWindow({ taskId, workId: roundId }, state, 'begin', context.now),
  ];
};

const itinerary = (roundKind: RoundKind): Wish => ({ roundKind, trigger: 'itinerary', resend: false });

const refuseAtRest = (state: Replication): void => {
  if (state.isStopped) throw stopped();
  if (state.isPaused) throw paused();
};

export const startFullSync = (
  { replication }: CommandOf<'StartFullSync'>,
  state: ReplicationState,
  context: CommandContext,
): ReplicationEvent[] => {
  if (state === null) {
    const prepared: ReplicationEvent = { type: 'ReplicationPrepared', data: replication };
    const fresh = evolve(state, prepared);
    return fresh === null ? [] : [prepared, ...startRound(fresh, itinerary('full'), context)];
  }
  if (state.fullSyncCompleted) return [];
  refuseAtRest(state);
  if (state.round !== null) throw roundRunning();
  return startRound(state, itinerary('full'), context);
};

/** The source has been declared quiet: only final rounds may write the target from here on. */
const isFinalPending = ({ finalSyncQueued, finalSyncCompleted, round, retry }: Replication): boolean =>
  finalSyncQueued || finalSyncCompleted || round?.kind === 'final' || retry?.roundKind === 'final';

const obstacleOf = (state: Replication): Error | null => {
  if (state.isStopped) return stopped();
  if (state.isPaused) return paused();
  if (isVerified(state)) return finished();
  if (isFinalPending(state)) return finalSyncPending();
  if (isVerifying(state)) return verifying();
  return state.round === null ? null : roundRunning();
};

export const startSyncRound = (
  { trigger, resend }: CommandOf<'StartSyncRound'>,
  state: Replication,
  context: CommandContext,
): ReplicationEvent[] => {
  const obstacle = obstacleOf(state);
  if (obstacle === null) {
    const roundKind = state.fullSyncCompleted && !resend ? 'incremental' : 'full';
    return startRound(state, { roundKind, trigger, resend }, context);
  }
  // A time point that finds something else going on is part of the history; a person gets the refusal.
  if (trigger === 'schedule') {
    return [{ type: 'SyncRoundSkipped', data: { taskId: state.taskId, reason: obstacle.message } }];
  }
  throw obstacle;
};

export const startFinalSync = (state: Replication, context: CommandContext): ReplicationEvent[] => {
  if (!state.fullSyncCompleted) throw noFullSync();
  if (isVerified(state)) throw finished();
  refuseAtRest(state);
  if (isVerifying(state)) throw verifying();
  if (state.round === null) return startRound(state, itinerary('final'), context);
  if (isFinalPending(state)) return [];
  return [{ type: 'FinalSyncQueued', data: { taskId: state.taskId } }];
};

export const roundInHand = (state: Replication, roundId: string): RoundInHand => {
  if (state.round?.roundId !== roundId) throw roundUnknown(roundId);
  return state.round;
};

export const beginVerification = (state: Replication, context: CommandContext): ReplicationEvent[] => {
  const { taskId } = state;
  const verificationId = uuidV5(context.commandId, 'verification');
  return [
    { type: 'VerificationStarted', data: { taskId, verificationId } },
    openWindow({ taskId, workId: verificationId }, state, 'begin', context.now),
  ];
};

/** A final round: the blocks that are sent again have to belong to one moment with all the others. */
const REPAIR: Wish = { roundKind: 'final', trigger: 'repair', resend: false };

/** What waited for the end of work, or of a pause: a final round, a repair, or the verification of what was repaired. */
export const startNext = (state: Replication, context: CommandContext): ReplicationEvent[] => {
  if (state.finalSyncQueued) return startRound(state, itinerary('final'), context);
  if (!isRepairing(state) || state.retry !== null) return [];
  return state.finalSyncCompleted ? beginVerification(state, context) : startRound(state, REPAIR, context);
};

/** Work has ended, and what follows it begins: while it is paused, nothing does. */
export const withNext = (
  state: Replication,
  ended: readonly ReplicationEvent[],
  context: CommandContext,
): ReplicationEvent[] => {
  const after = ended.reduce<ReplicationState>(evolve, state);
  return [...ended, ...(after === null || after.isPaused ? [] : startNext(after, context))];
};

/** Without its repair, a verification cannot go on. */
const failRepair = (state: Replication, failure: Failure): ReplicationEvent[] => {
  const { taskId, verification } = state;
  if (verification === null || !isRepairing(state)) return [];
  const { verificationId } = verification;
  return [{ type: 'VerificationFailed', data: { taskId, verificationId, failure } }];
};

export const completeRound = (
  { roundId, disks }: CommandOf<'CompleteSyncRound'>,
  state: Replication,
  context: CommandContext,
): ReplicationEvent[] => {
  const { kind: roundKind } = roundInHand(state, roundId);
  const completed: ReplicationEvent = {
    type: 'SyncRoundCompleted',
    data: { taskId: state.taskId, roundId, roundKind, disks: [...disks] },
  };
  return withNext(state, [completed], context);
};

/** The round ends without success; what may pass is tried again by itself, a bounded number of times. */
export const failRound = (
  state: Replication,
  { roundId, kind: roundKind, resend }: RoundInHand,
  code: ReplicationFailureCode,
  detail: string,
  context: CommandContext,
): ReplicationEvent[] => {
  const { taskId } = state;
  const failed = { taskId, roundId, roundKind, failure: failureFor(code, detail) };
  const retryAt = retryAtOf(state, code, context.now);
  if (retryAt === null) {
    const ended: ReplicationEvent[] = [{ type: 'SyncRoundFailed', data: failed }, ...failRepair(state, failed.failure)];
    return withNext(state, ended, context);
  }
  const retry = { taskId, roundKind, retryNumber: state.retriesUsed + 1, generation: state.generation + 1, retryAt };
  return [
    { type: 'SyncRoundFailed', data: { ...failed, retryAt } },
    // Who asked for everything gets everything, also at the second try.
    { type: 'RetryScheduled', data: { ...retry, ...(resend ? { resend } : {}) } },
  ];
};

/** null: it is not tried again by itself, as it would not help, was tried often enough, or a final round follows. */
const retryAtOf = (state: Replication, code: ReplicationFailureCode, now: string): string | null => {
  const { settings, retriesUsed, finalSyncQueued } = state;
  if (finalSyncQueued || FAILURES[code].retry !== 'by-itself' || retriesUsed >= settings.retryLimit) return null;
  return later(now, settings.retryDelaySeconds * 2 ** retriesUsed);
};
