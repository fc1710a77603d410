import type { ReplicationView, SyncRoundView } from '#libs/contracts';
import { type Replication, isDigesting } from '../domain/replication.state.js';

/** A replication as people see it. */
export const viewOf = (state: Replication, rounds: SyncRoundView[]): ReplicationView => ({
  taskId: state.taskId,
  sourceMachineId: state.sourceMachineId,
  restorerId: state.restorerId,
  disks: [...state.disks],
  activity: activityOf(state),
  settings: state.settings,
  resumeWindow: windowOf(state),
  retryAt: state.retry?.retryAt ?? null,
  fullSyncCompleted: state.fullSyncCompleted,
  finalSyncCompleted: state.finalSyncCompleted,
  rounds,
  verification: {
    status: state.verification?.status ?? 'none',
    source: [...state.sourceDigests],
    target: [...(state.verification?.target ?? [])],
    failure: state.verification?.failure ?? null,
  },
});

const windowOf = ({ window }: Replication): ReplicationView['resumeWindow'] => {
  if (window === null) return null;
  const { cause, openedAt, deadlineAt } = window;
  return { cause, openedAt, deadlineAt };
};

const activityOf = (state: Replication): ReplicationView['activity'] => {
  const { round, retry, isPaused, isStopped } = state;
  if (isStopped) return 'stopped';
  if (isPaused) return 'paused';
  if (round === null) return isDigesting(state) ? 'verifying' : retry === null ? 'idle' : 'waiting-for-retry';
  if (round.link === 'up') return 'transferring';
  // It stays the news while the disks are served again and the agent looks for them.
  if (round.link === 'lost') return 'link-lost';
  return round.exports === null ? 'opening-exports' : 'connecting';
};
