import { type ReplicationFailureCode, failureFor } from '#libs/contracts';
import type { CommandContext } from '#libs/eventsourcing';
import type { CommandOf } from './replication.commands.js';
import type { ReplicationEvent } from './replication.events.js';
import type { Replication, ResumeWindow } from './replication.state.js';
import { isOver, later, workInHand } from './resume-window.js';
import { failRound, startRound } from './round.decisions.js';

/** The window has run out: the work that waited fails, with the deadline as it was. */
export const expireWindow = (state: Replication, window: ResumeWindow, context: CommandContext): ReplicationEvent[] => {
  const work = workInHand(state);
  if (work === null) return [];
  const { generation, cause, deadlineAt } = window;
  const expired: ReplicationEvent = { type: 'ResumeWindowExpired', data: { ...work, generation, cause, deadlineAt } };
  const { code, detail } = expiryOf(state, window);
  if (state.round !== null) return [expired, ...failRound(state, state.round, code, detail, context)];
  const { taskId, workId: verificationId } = work;
  return [expired, { type: 'VerificationFailed', data: { taskId, verificationId, failure: failureFor(code, detail) } }];
};

const expiryOf = (
  state: Replication,
  { cause, openedAt, deadlineAt }: ResumeWindow,
): { code: ReplicationFailureCode; detail: string } => {
  const between = `between ${openedAt} and ${deadlineAt}`;
  const { round } = state;
  switch (cause) {
    case 'begin':
      // A lost link says that the disks were served before, in an attempt that did not reach them.
      return round !== null && (round.exports !== null || round.link === 'lost')
        ? { code: 'RESUME_WINDOW_EXPIRED', detail: `The agent did not reach the target ${between}.` }
        : { code: 'RESTORER_LOST', detail: `The restore environment did not begin ${between}.` };
    case 'link-lost':
      return {
        code: 'RESUME_WINDOW_EXPIRED',
        detail:
          round !== null && round.exports === null
            ? `The target's disks were not served again ${between}.`
            : `The path between source and target did not come back ${between}.`,
      };
    case 'agent-away':
      return { code: 'AGENT_LOST', detail: `Nothing was heard or seen of the agent ${between}.` };
    case 'restorer-away':
      return { code: 'RESTORER_LOST', detail: `Nothing was heard of the restore environment ${between}.` };
  }
};

/** A window or a retry is due; a deadline of an earlier generation, or one that is not reached, changes nothing. */
export const reachDeadline = (
  { generation, seenAt }: CommandOf<'ReachDeadline'>,
  state: Replication,
  context: CommandContext,
): ReplicationEvent[] => {
  const { window, retry } = state;
  if (generation !== state.generation || state.isPaused || state.isStopped) return [];
  if (window !== null) {
    if (!isOver(window, context.now)) return [];
    return extendWindow(state, window, seenAt, context.now) ?? expireWindow(state, window, context);
  }
  if (retry === null || state.round !== null || retry.retryAt > context.now) return [];
  const { roundKind, resend } = retry;
  return startRound(state, { roundKind, trigger: 'retry', resend }, context);
};

/** An end without a control channel that is seen at work has not gone: data goes on. */
const extendWindow = (
  state: Replication,
  { generation, cause }: ResumeWindow,
  seenAt: string | null,
  now: string,
): ReplicationEvent[] | null => {
  const work = workInHand(state);
  if (seenAt === null || work === null || (cause !== 'agent-away' && cause !== 'restorer-away')) return null;
  const deadlineAt = later(seenAt, state.settings.resumeWindowSeconds);
  if (deadlineAt <= now) return null;
  return [{ type: 'ResumeWindowExtended', data: { ...work, generation, seenAt, deadlineAt } }];
};
