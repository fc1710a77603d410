import type { CommandContext, Decider } from '#libs/eventsourcing';
import { reachDeadline } from './deadline.decisions.js';
import {
  noteEndAway,
  noteEndConnected,
  noteExportsFailed,
  noteExportsOpened,
  noteLinkEstablished,
  noteLinkLost,
} from './link.decisions.js';
import type { ReplicationCommand } from './replication.commands.js';
import { notStarted } from './replication.errors.js';
import type { ReplicationEvent } from './replication.events.js';
import { type Replication, type ReplicationState, evolve, initialState } from './replication.state.js';
import { adjustThrottle, pause, reinstate, resume, stop } from './rest.decisions.js';
import {
  completeRound,
  failRound,
  roundInHand,
  startFinalSync,
  startFullSync,
  startSyncRound,
} from './round.decisions.js';
import { noteOfVerification, startVerification } from './verification.decisions.js';

const decideReplication = (
  command: Exclude<ReplicationCommand, { type: 'StartFullSync' }>,
  state: Replication,
  context: CommandContext,
): ReplicationEvent[] => {
  switch (command.type) {
    case 'StartSyncRound':
      return startSyncRound(command, state, context);
    case 'StartFinalSync':
      return startFinalSync(state, context);
    case 'NoteExportsOpened':
      return noteExportsOpened(command, state, context);
    case 'NoteExportsFailed':
      return noteExportsFailed(command, state, context);
    case 'NoteLinkEstablished':
      return noteLinkEstablished(command, state, context);
    case 'NoteLinkLost':
      return noteLinkLost(command, state, context);
    case 'NoteEndConnected':
      return noteEndConnected(command, state, context);
    case 'NoteEndAway':
      return noteEndAway(command, state);
    case 'ReachDeadline':
      return reachDeadline(command, state, context);
    case 'CompleteSyncRound':
      return completeRound(command, state, context);
    case 'FailSyncRound':
      return failRound(state, roundInHand(state, command.roundId), command.code, command.detail, context);
    case 'StartVerification':
      return startVerification(state, context);
    case 'NoteDigestsBegun':
    case 'CompareDigests':
    case 'FailVerification':
      return noteOfVerification(command, state, context);
    case 'AdjustThrottle':
      return adjustThrottle(command, state);
    case 'PauseReplication':
      return pause(state);
    case 'ResumeReplication':
      return resume(state, context);
    case 'StopReplication':
      return stop(state);
    case 'ReinstateReplication':
      return reinstate(state);
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
