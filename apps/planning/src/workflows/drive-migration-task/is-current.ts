import type { MigrationTaskEvent } from '../../migration-task/domain/migration-task.events.js';
import type { MigrationTask } from '../../migration-task/domain/migration-task.state.js';

/** Events of a task that something has to be done about. */
const FOLLOWED = [
  'PhaseStarted',
  'SynchronizationTimePointReached',
  'ThrottleAdjusted',
  'MigrationTaskPaused',
  'MigrationTaskResumed',
  'MigrationTaskCancelled',
  'CancellationWithdrawn',
  'CleanUpStarted',
] as const;

export type FollowedEvent = Extract<MigrationTaskEvent, { type: (typeof FOLLOWED)[number] }>;

export const isFollowed = (event: MigrationTaskEvent): event is FollowedEvent =>
  FOLLOWED.some((type) => type === event.type);

/** What has passed, read again because the checkpoint was lost or late, must not be asked for again. */
export const isCurrent = (event: FollowedEvent, task: MigrationTask): boolean => {
  const isActive = task.stage === 'active';
  switch (event.type) {
    case 'PhaseStarted':
      return isActive && task.phase === event.data.phase && !task.isPhaseOver;
    case 'SynchronizationTimePointReached':
      return isActive && task.generation === event.data.generation && task.nextTimePoint === event.data.nextTimePoint;
    case 'ThrottleAdjusted':
      // Whatever came after it: what the task wants now is what is told.
      return isActive;
    case 'MigrationTaskPaused':
      return isActive && task.isPaused;
    case 'MigrationTaskResumed':
      return isActive && !task.isPaused;
    case 'MigrationTaskCancelled':
      return task.stage === 'cancelling' && task.cleanUpGeneration === event.data.generation;
    case 'CancellationWithdrawn':
      return isActive;
    case 'CleanUpStarted':
      return task.stage === 'cleaning-up' && task.cleanUpGeneration === event.data.generation;
  }
};
