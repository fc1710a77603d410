import { failureFor } from '#libs/contracts';
import type { CommandContext } from '#libs/eventsourcing';
import type { CommandOf } from './replication.commands.js';
import type { ReplicationEvent } from './replication.events.js';
import { type Replication, isVerifying } from './replication.state.js';
import { openWindow, workInHand } from './resume-window.js';
import { startNext } from './round.decisions.js';

/** The clock of a window stands still with the work: it is closed, and another one is opened when the pause is over. */
export const pause = (state: Replication): ReplicationEvent[] =>
  state.isPaused || state.isStopped ? [] : [{ type: 'ReplicationPaused', data: { taskId: state.taskId } }];

export const resume = (state: Replication, context: CommandContext): ReplicationEvent[] => {
  if (!state.isPaused) return [];
  const work = workInHand(state);
  const resumed: ReplicationEvent = { type: 'ReplicationResumed', data: { taskId: state.taskId } };
  return [resumed, ...(work === null ? startNext(state, context) : [openWindow(work, state, 'begin', context.now)])];
};

/** The work in hand ends, and none begins until the replication is reinstated. */
export const stop = (state: Replication): ReplicationEvent[] => {
  if (state.isStopped) return [];
  const { taskId, round, verification } = state;
  const failure = failureFor('TASK_CANCELLED', 'The task was cancelled.');
  const ended: ReplicationEvent[] = [];
  if (round !== null) {
    const { roundId, kind: roundKind } = round;
    ended.push({ type: 'SyncRoundFailed', data: { taskId, roundId, roundKind, failure } });
  }
  if (verification !== null && isVerifying(state)) {
    const { verificationId } = verification;
    ended.push({ type: 'VerificationFailed', data: { taskId, verificationId, failure } });
  }
  return [...ended, { type: 'ReplicationStopped', data: { taskId } }];
};

export const reinstate = (state: Replication): ReplicationEvent[] =>
  state.isStopped ? [{ type: 'ReplicationReinstated', data: { taskId: state.taskId } }] : [];

/** At rest too: they hold for whatever comes next. */
export const adjustThrottle = (
  { throttle }: CommandOf<'AdjustThrottle'>,
  { taskId, settings }: Replication,
): ReplicationEvent[] => {
  const isNew = JSON.stringify(throttle) !== JSON.stringify(settings.throttle);
  return isNew ? [{ type: 'ReplicationThrottled', data: { taskId, throttle } }] : [];
};
