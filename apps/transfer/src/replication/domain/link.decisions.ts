import type { CommandContext } from '#libs/eventsourcing';
import { expireWindow } from './deadline.decisions.js';
import type { CommandOf } from './replication.commands.js';
import { roundUnknown } from './replication.errors.js';
import type { End, ReplicationEvent } from './replication.events.js';
import {
  type Replication,
  type ReplicationState,
  type RoundInHand,
  attemptIdOf,
  evolve,
  isDigesting,
} from './replication.state.js';
import { closeWindow, isOver, openWindow, workInHand } from './resume-window.js';
import { failRound, roundInHand } from './round.decisions.js';

/** A path that breaks more often than this in one round is not worth another attempt. */
export const MAX_ATTEMPTS = 100;

export const noteExportsOpened = (
  { roundId, attempt, exports }: CommandOf<'NoteExportsOpened'>,
  state: Replication,
  context: CommandContext,
): ReplicationEvent[] => {
  const round = roundInHand(state, roundId);
  if (round.attempt !== attempt || state.isPaused) throw roundUnknown(roundId);
  if (round.exports !== null) return [];
  const { taskId, window } = state;
  // The agent could not begin before now, so nothing that is still on its way closes the window in time.
  if (window !== null && isOver(window, context.now)) return expireWindow(state, window, context);
  return [{ type: 'ExportsOpened', data: { taskId, roundId, exports: [...exports], attempt } }];
};

/** Disks that were served and are not any more are a lost path like any other; disks that cannot be served are a failure. */
export const noteExportsFailed = (
  { roundId, attempt, code, detail, at }: CommandOf<'NoteExportsFailed'>,
  state: Replication,
  context: CommandContext,
): ReplicationEvent[] => {
  const round = roundInHand(state, roundId);
  if (round.attempt !== attempt || state.isPaused) return [];
  if (round.exports === null || code !== 'EXPORT_FAILED') return failRound(state, round, code, detail, context);
  return loseLink(state, round, at, detail, context);
};

/** Whether the agent can speak of this attempt: it has been given it, and no other one since. */
const isUnderWay = ({ isPaused }: Replication, round: RoundInHand, attempt: number): boolean =>
  round.attempt === attempt && round.exports !== null && !isPaused;

export const noteLinkEstablished = (
  { roundId, attempt, comparison, rescanReason, at }: CommandOf<'NoteLinkEstablished'>,
  state: Replication,
  context: CommandContext,
): ReplicationEvent[] => {
  const round = roundInHand(state, roundId);
  if (!isUnderWay(state, round, attempt) || round.link === 'up') return [];
  const { taskId, window } = state;
  if (window !== null && isOver(window, at)) return expireWindow(state, window, context);
  const compares = { comparison, ...(rescanReason === undefined ? {} : { rescanReason }) };
  const established: ReplicationEvent = { type: 'LinkEstablished', data: { taskId, roundId, attempt, ...compares } };
  return [established, ...closeWindow(state), ...openWindowForAbsent(state, 'agent', context)];
};

/** Work has begun that stands still without this end, which left after its last report: it must not wait for ever. */
export const openWindowForAbsent = (state: Replication, end: End, context: CommandContext): ReplicationEvent[] => {
  const work = workInHand(state);
  return work === null || !state.away.includes(end) ? [] : [openWindow(work, state, `${end}-away`, context.now)];
};

export const noteLinkLost = (
  { roundId, attempt, at, detail }: CommandOf<'NoteLinkLost'>,
  state: Replication,
  context: CommandContext,
): ReplicationEvent[] => {
  const round = roundInHand(state, roundId);
  return isUnderWay(state, round, attempt) ? loseLink(state, round, at, detail, context) : [];
};

/**
 * The next attempt begins, and has until the end of the window. A window that counts from the beginning of the round,
 * or from an earlier loss, counts on.
 */
const loseLink = (
  state: Replication,
  round: RoundInHand,
  lostAt: string,
  detail: string,
  context: CommandContext,
): ReplicationEvent[] => {
  const { taskId, window } = state;
  const { roundId, attempt } = round;
  if (attempt >= MAX_ATTEMPTS) {
    return failRound(
      state,
      round,
      'LINK_UNSTABLE',
      `The link was lost ${attempt} times; the last time: ${detail}`,
      context,
    );
  }
  const lost: ReplicationEvent[] = [{ type: 'LinkLost', data: { taskId, roundId, attempt, lostAt, detail } }];
  if (window === null || window.cause === 'agent-away') {
    lost.push(...closeWindow(state), openWindow({ taskId, workId: roundId }, state, 'link-lost', lostAt));
  }
  const after = lost.reduce<ReplicationState>(evolve, state);
  if (after?.window == null || !isOver(after.window, context.now)) return lost;
  return [...lost, ...expireWindow(after, after.window, context)];
};

/** Whether the work in hand stands still without this end. */
const isAwaited = (state: Replication, end: End): boolean =>
  state.round === null
    ? end === 'restorer' && isDigesting(state) && state.verification?.isBegun === true
    : end === 'agent' && state.round.link === 'up';

export const noteEndAway = ({ end, at }: CommandOf<'NoteEndAway'>, state: Replication): ReplicationEvent[] => {
  const work = workInHand(state);
  if (work === null || state.isPaused || state.away.includes(end)) return [];
  const lost: ReplicationEvent = { type: 'ControlChannelLost', data: { ...work, end, lostAt: at } };
  if (state.window !== null || !isAwaited(state, end)) return [lost];
  return [lost, openWindow(work, state, `${end}-away`, at)];
};

export const noteEndConnected = (
  { end, inHand, at }: CommandOf<'NoteEndConnected'>,
  state: Replication,
  context: CommandContext,
): ReplicationEvent[] => {
  const work = workInHand(state);
  if (work === null || state.isPaused) return [];
  const { round, window } = state;
  // Disks that were served by a process that is gone: whatever it had not flushed is gone, too.
  if (end === 'restorer' && round !== null && round.exports !== null && inHand !== attemptIdOf(round)) {
    return failRound(
      state,
      round,
      'RESTORER_RESTARTED',
      'The restore environment came back without its work.',
      context,
    );
  }
  if (!state.away.includes(end)) return [];
  const restored: ReplicationEvent = { type: 'ControlChannelRestored', data: { ...work, end, restoredAt: at } };
  // Whoever is back is at work, like one that was seen at work: it is not asked whether the sweeper was late.
  return [restored, ...(window?.cause === `${end}-away` ? closeWindow(state) : [])];
};
