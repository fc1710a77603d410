import type { CommandContext } from '#libs/eventsourcing';
import type { CommandOf } from './migration-task.commands.js';
import type { MigrationTaskEvent } from './migration-task.events.js';
import type { MigrationTask } from './migration-task.state.js';
import { refuseAtTheEnd } from './rest.decisions.js';

export const scheduleSync = (
  { schedule, nextTimePoint }: CommandOf<'ScheduleSync'>,
  task: MigrationTask,
): MigrationTaskEvent[] => {
  refuseAtTheEnd(task);
  const { taskId } = task;
  return [{ type: 'SyncScheduled', data: { taskId, schedule, generation: task.generation + 1, nextTimePoint } }];
};

export const removeSchedule = ({ taskId, schedule, generation }: MigrationTask): MigrationTaskEvent[] =>
  schedule === null ? [] : [{ type: 'SyncScheduleRemoved', data: { taskId, generation: generation + 1 } }];

/** A cancelled task keeps its schedule and takes no time point of it; when it goes on, so does the schedule. */
export const takesTimePoints = ({ stage }: MigrationTask): boolean => stage === 'active';

export const reachTimePoint = (
  { generation, timePoint, nextTimePoint, isOverdue }: CommandOf<'ReachTimePoint'>,
  task: MigrationTask,
  { now }: CommandContext,
): MigrationTaskEvent[] => {
  const isDue = task.nextTimePoint === timePoint && generation === task.generation && timePoint <= now;
  if (!isDue || !takesTimePoints(task)) return []; // an earlier schedule's, or another replica was faster
  const reached = { taskId: task.taskId, generation, timePoint, nextTimePoint };
  if (!isOverdue || task.schedule?.catchUp !== 'skip') {
    return [{ type: 'SynchronizationTimePointReached', data: reached }];
  }
  const reason = `Nobody could look before ${now}, and the schedule does not make up for what is long over.`;
  return [{ type: 'SynchronizationTimePointPassedOver', data: { ...reached, reason } }];
};
