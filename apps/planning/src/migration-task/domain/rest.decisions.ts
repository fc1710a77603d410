import type { CommandContext } from '#libs/eventsourcing';
import { dateAfterFailure } from './halt.decisions.js';
import {
  cleaningUp,
  taskCancelled,
  taskEnded,
  taskNotHalted,
  taskNotPaused,
  taskPaused,
} from './migration-task.errors.js';
import type { MigrationTaskEvent } from './migration-task.events.js';
import type { MigrationTask } from './migration-task.state.js';
import { currentPhase, startAfterPause, startPhase } from './phase.decisions.js';

/** @throws DomainError when nothing but its end is left for the task */
export const refuseAtTheEnd = ({ stage }: MigrationTask): void => {
  switch (stage) {
    case 'active':
      return;
    case 'cancelling':
      throw taskCancelled();
    case 'cleaning-up':
      throw cleaningUp();
    case 'cancelled':
    case 'completed':
      throw taskEnded();
  }
};

export const pause = (task: MigrationTask): MigrationTaskEvent[] => {
  refuseAtTheEnd(task);
  if (task.isPaused) throw taskPaused();
  return [{ type: 'MigrationTaskPaused', data: { taskId: task.taskId } }];
};

/** What was held goes on. A task that had halted is halted still, with its grace period counted anew. */
export const resume = (task: MigrationTask, { now }: CommandContext): MigrationTaskEvent[] => {
  refuseAtTheEnd(task);
  if (!task.isPaused) throw taskNotPaused();
  const date = task.halt === null ? null : dateAfterFailure(task, now);
  return [{ type: 'MigrationTaskResumed', data: { taskId: task.taskId, ...date } }, ...startAfterPause(task)];
};

export const retry = (task: MigrationTask, { now }: CommandContext): MigrationTaskEvent[] => {
  if (task.stage === 'cleaning-up' && task.cleanUpFailure !== null) {
    const generation = task.cleanUpGeneration + 1;
    return [{ type: 'CleanUpStarted', data: { taskId: task.taskId, generation, cause: 'retry', dueAt: now } }];
  }
  refuseAtTheEnd(task);
  if (task.isPaused) throw taskPaused();
  const current = currentPhase(task);
  if (task.halt === null || current === undefined) throw taskNotHalted();
  return [startPhase(task, current.retryFrom, task.restorerId)];
};
