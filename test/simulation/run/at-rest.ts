import { workInHand } from '../../../apps/transfer/src/replication/domain/resume-window.js';
import type { ReplicationState } from '../../../apps/transfer/src/replication/domain/replication.state.js';
import type { World } from '../world/world.js';

const hasWork = (replication: ReplicationState): boolean =>
  replication !== null && !replication.isPaused && !replication.isStopped && workInHand(replication) !== null;

/** Why the world has not come to rest: what would have to happen still; null when it has. */
export const unrestOf = ({ folds }: World, taskId: string): string | null => {
  const task = folds.task(taskId);
  if (task === null) return 'the task is not created';
  switch (task.stage) {
    case 'completed':
      return null;
    case 'cancelled':
      return hasWork(folds.replication(taskId)) ? 'the task is cancelled, and work goes on' : null;
    case 'cancelling':
      return 'the task is cancelling';
    case 'cleaning-up':
      return task.cleanUpFailure === null ? 'the task is cleaning up' : null;
    case 'active':
      break;
  }
  if (task.isPaused) return null;
  const replication = folds.replication(taskId);
  if (hasWork(replication)) return 'a round or a verification is in hand';
  if (replication?.retry && !replication.isPaused && !replication.isStopped) return 'a retry is to come';
  // A halted task says why; one that keeps its target in sync waits for the cutover.
  return task.halt !== null || task.phase === 'keep-in-sync' ? null : `the task is in phase ${task.phase ?? 'none'}`;
};
