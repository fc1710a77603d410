import type { ResumeWindowCause } from '#libs/contracts';
import type { ReplicationEvent } from './replication.events.js';
import { type Replication, type ResumeWindow, isDigesting } from './replication.state.js';

export const later = (instant: string, seconds: number): string =>
  new Date(Date.parse(instant) + seconds * 1000).toISOString();

/** A round, or a verification. */
export interface Work {
  readonly taskId: string;
  readonly workId: string;
}

export const workInHand = (state: Replication): Work | null => {
  const { taskId, round, verification } = state;
  if (round !== null) return { taskId, workId: round.roundId };
  return verification !== null && isDigesting(state) ? { taskId, workId: verification.verificationId } : null;
};

/** @param openedAt since when the work waits; the deadline counts from there */
export const openWindow = (
  { taskId, workId }: Work,
  state: Pick<Replication, 'generation' | 'settings'>,
  cause: ResumeWindowCause,
  openedAt: string,
): ReplicationEvent => {
  const deadlineAt = later(openedAt, state.settings.resumeWindowSeconds);
  const generation = state.generation + 1;
  return { type: 'ResumeWindowOpened', data: { taskId, workId, generation, cause, openedAt, deadlineAt } };
};

export const closeWindow = (state: Replication): ReplicationEvent[] => {
  const work = workInHand(state);
  if (state.window === null || work === null) return [];
  return [{ type: 'ResumeWindowClosed', data: { ...work, generation: state.window.generation } }];
};

/** Exactly at its deadline a window has expired (R31). */
export const isOver = (window: Pick<ResumeWindow, 'deadlineAt'>, at: string): boolean => window.deadlineAt <= at;
