import type { DiskDigest, Failure, RoundKind, RoundTrigger } from '#libs/contracts';
import { type CommandContext, type Decider, uuidV5 } from '#libs/eventsourcing';
import type { ReplicationCommand } from './replication.commands.js';
import {
  finalSyncPending,
  finished,
  noFinalSync,
  noFullSync,
  notStarted,
  roundRunning,
  roundUnknown,
  verifying,
} from './replication.errors.js';
import type { ReplicationEvent } from './replication.events.js';
import {
  type Replication,
  type ReplicationState,
  type RoundInHand,
  evolve,
  initialState,
} from './replication.state.js';

const startRound = (
  state: Pick<Replication, 'taskId' | 'roundsStarted'>,
  roundKind: RoundKind,
  trigger: RoundTrigger,
  context: CommandContext,
): ReplicationEvent => ({
  type: 'SyncRoundStarted',
  data: {
    taskId: state.taskId,
    roundId: uuidV5(context.commandId, 'round'),
    number: state.roundsStarted + 1,
    roundKind,
    trigger,
  },
});

const isVerifying = (state: Replication): boolean => state.verification?.status === 'running';
const isVerified = (state: Replication): boolean => state.verification?.status === 'verified';

/** The source has been declared quiet: only final rounds may write the target from here on. */
const isFinalPending = (state: Replication): boolean =>
  state.finalSyncQueued || state.finalSyncCompleted || state.round?.kind === 'final';

const startFullSync = (
  command: Extract<ReplicationCommand, { type: 'StartFullSync' }>,
  state: ReplicationState,
  context: CommandContext,
): ReplicationEvent[] => {
  if (state === null) {
    const prepared: ReplicationEvent = { type: 'ReplicationPrepared', data: command.replication };
    return [
      prepared,
      startRound({ taskId: command.replication.taskId, roundsStarted: 0 }, 'full', 'itinerary', context),
    ];
  }
  if (state.fullSyncCompleted) return [];
  if (state.round !== null) throw roundRunning();
  return [startRound(state, 'full', 'itinerary', context)];
};

const startSyncRound = (trigger: RoundTrigger, state: Replication, context: CommandContext): ReplicationEvent[] => {
  const obstacle = isVerified(state)
    ? finished()
    : isFinalPending(state)
      ? finalSyncPending()
      : isVerifying(state)
        ? verifying()
        : state.round !== null
          ? roundRunning()
          : null;
  if (obstacle === null) return [startRound(state, state.fullSyncCompleted ? 'incremental' : 'full', trigger, context)];
  // A time point that finds something else going on is part of the history; a person gets the refusal.
  if (trigger === 'schedule') {
    return [{ type: 'SyncRoundSkipped', data: { taskId: state.taskId, reason: obstacle.message } }];
  }
  throw obstacle;
};

const startFinalSync = (state: Replication, context: CommandContext): ReplicationEvent[] => {
  if (!state.fullSyncCompleted) throw noFullSync();
  if (isVerified(state)) throw finished();
  if (isVerifying(state)) throw verifying();
  if (state.round === null) return [startRound(state, 'final', 'itinerary', context)];
  if (isFinalPending(state)) return [];
  return [{ type: 'FinalSyncQueued', data: { taskId: state.taskId } }];
};

const roundInHand = (state: Replication, roundId: string): RoundInHand => {
  if (state.round?.roundId !== roundId) throw roundUnknown(roundId);
  return state.round;
};

/** A final round that waited for this one begins. */
const next = (state: Replication, context: CommandContext): ReplicationEvent[] =>
  state.finalSyncQueued ? [startRound(state, 'final', 'itinerary', context)] : [];

const endRound = (
  command: Extract<ReplicationCommand, { type: 'CompleteSyncRound' | 'FailSyncRound' }>,
  state: Replication,
  context: CommandContext,
): ReplicationEvent[] => {
  const { taskId } = state;
  const { roundId, kind: roundKind } = roundInHand(state, command.roundId);
  if (command.type === 'CompleteSyncRound') {
    return [
      { type: 'SyncRoundCompleted', data: { taskId, roundId, roundKind, disks: [...command.disks] } },
      ...next(state, context),
    ];
  }
  const failed: ReplicationEvent = {
    type: 'SyncRoundFailed',
    data: { taskId, roundId, roundKind, failure: command.failure },
  };
  return [failed, ...(state.fullSyncCompleted ? next(state, context) : [])];
};

const startVerification = (state: Replication, context: CommandContext): ReplicationEvent[] => {
  if (state.round !== null) throw roundRunning();
  if (!state.finalSyncCompleted) throw noFinalSync();
  if (isVerifying(state) || isVerified(state)) return [];
  const verificationId = uuidV5(context.commandId, 'verification');
  return [{ type: 'VerificationStarted', data: { taskId: state.taskId, verificationId } }];
};

/** The take-over rests on this: every disk of the source has, on the target, the same root digest over the same bytes. */
const compareDigests = (
  state: Replication,
  verificationId: string,
  targets: readonly DiskDigest[],
): ReplicationEvent[] => {
  const { taskId, sourceDigests } = state;
  const differing = state.disks.flatMap(({ diskId }) => {
    const source = sourceDigests.find((candidate) => candidate.diskId === diskId);
    const target = targets.find((candidate) => candidate.diskId === diskId);
    const equal =
      source !== undefined &&
      target?.rootDigest === source.rootDigest &&
      target.diskBytes === source.diskBytes &&
      target.digestBlockBytes === source.digestBlockBytes;
    const sourceDigest = source?.rootDigest ?? 'missing';
    const targetDigest = target?.rootDigest ?? 'missing';
    return equal ? [] : [{ diskId, sourceDigest, targetDigest }];
  });
  if (differing.length === 0) {
    return [{ type: 'ReplicaVerified', data: { taskId, verificationId, disks: [...targets] } }];
  }
  return [{ type: 'ReplicaDiffered', data: { taskId, verificationId, differing } }];
};

const failVerification = (state: Replication, verificationId: string, failure: Failure): ReplicationEvent[] => [
  { type: 'VerificationFailed', data: { taskId: state.taskId, verificationId, failure } },
];

const decideReplication = (
  command: Exclude<ReplicationCommand, { type: 'StartFullSync' }>,
  state: Replication,
  context: CommandContext,
): ReplicationEvent[] => {
  switch (command.type) {
    case 'StartSyncRound':
      return startSyncRound(command.trigger, state, context);
    case 'StartFinalSync':
      return startFinalSync(state, context);
    case 'NoteExportsOpened': {
      const round = roundInHand(state, command.roundId);
      if (round.exports !== null) return [];
      const { taskId } = state;
      return [{ type: 'ExportsOpened', data: { taskId, roundId: round.roundId, exports: [...command.exports] } }];
    }
    case 'CompleteSyncRound':
    case 'FailSyncRound':
      return endRound(command, state, context);
    case 'StartVerification':
      return startVerification(state, context);
    case 'CompareDigests':
    case 'FailVerification': {
      const { verificationId } = command;
      if (!isVerifying(state) || state.verification?.verificationId !== verificationId)
        throw roundUnknown(verificationId);
      return command.type === 'CompareDigests'
        ? compareDigests(state, verificationId, command.disks)
        : failVerification(state, verificationId, command.failure);
    }
  }
};

export const replicationDecider: Decider<ReplicationState, ReplicationCommand, ReplicationEvent> = {
  initialState,
  evolve,
  decide: (command, state, context) => {
    if (command.type === 'StartFullSync') return startFullSync(command, state, context);
    if (state === null) throw notStarted();
    return decideReplication(command, state, context);
  },
};
