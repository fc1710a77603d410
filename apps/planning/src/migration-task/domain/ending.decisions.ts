import type { CommandContext } from '#libs/eventsourcing';
import { later } from './halt.decisions.js';
import type { CommandOf } from './migration-task.commands.js';
import { cleaningUp, taskEnded, taskNotCancelled, tooLateToCancel } from './migration-task.errors.js';
import type { MigrationTaskEvent } from './migration-task.events.js';
import type { MigrationTask } from './migration-task.state.js';
import { startAfterCancellation } from './phase.decisions.js';
import { refuseAtTheEnd } from './rest.decisions.js';

export const cancel = (
  command: CommandOf<'CancelMigrationTask'>,
  task: MigrationTask,
  { now }: CommandContext,
): MigrationTaskEvent[] => {
  refuseAtTheEnd(task);
  // From here on the target may be in production, and is nothing that could be removed.
  if (task.phase === 'take-over') throw tooLateToCancel();
  const { taskId, settings, cleanUpGeneration } = task;
  const graceSeconds = command.graceSeconds ?? settings.cancelGraceSeconds;
  const cleanUpAt = later(now, graceSeconds);
  const generation = cleanUpGeneration + 1;
  return [{ type: 'MigrationTaskCancelled', data: { taskId, generation, cancelledAt: now, graceSeconds, cleanUpAt } }];
};

/** As long as nothing has been removed, everything is as it was, and the task goes on. */
export const withdraw = (task: MigrationTask): MigrationTaskEvent[] => {
  switch (task.stage) {
    case 'active':
      throw taskNotCancelled();
    case 'cancelling': {
      const { taskId, cleanUpGeneration: generation } = task;
      return [{ type: 'CancellationWithdrawn', data: { taskId, generation } }, ...startAfterCancellation(task)];
    }
    case 'cleaning-up':
      throw cleaningUp();
    case 'cancelled':
    case 'completed':
      throw taskEnded();
  }
};

/** The grace period is over; a date that was called off, or that is not reached, begins nothing. */
export const reachCleanUp = (
  { generation }: CommandOf<'ReachCleanUp'>,
  { taskId, stage, cleanUp }: MigrationTask,
  { now }: CommandContext,
): MigrationTaskEvent[] => {
  if (cleanUp?.generation !== generation || now < cleanUp.at) return [];
  const cause = stage === 'cancelling' ? 'cancellation' : 'failure';
  return [{ type: 'CleanUpStarted', data: { taskId, generation, cause, dueAt: cleanUp.at } }];
};

export const noteTargetRemoved = ({ taskId, stage }: MigrationTask, { now }: CommandContext): MigrationTaskEvent[] =>
  stage === 'cleaning-up' ? [{ type: 'CleanUpCompleted', data: { taskId, completedAt: now } }] : [];

export const noteCleanUpFailure = (
  { failure }: CommandOf<'NoteCleanUpFailure'>,
  { taskId, stage, cleanUpFailure }: MigrationTask,
): MigrationTaskEvent[] =>
  stage === 'cleaning-up' && cleanUpFailure === null ? [{ type: 'CleanUpFailed', data: { taskId, failure } }] : [];
