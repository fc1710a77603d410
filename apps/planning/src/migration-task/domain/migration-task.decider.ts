import type { CommandContext, Decider } from '#libs/eventsourcing';
import { cancel, noteCleanUpFailure, noteTargetRemoved, reachCleanUp, withdraw } from './ending.decisions.js';
import { noteFailure, noteRoundStarted } from './halt.decisions.js';
import { STANDARD_ITINERARY } from './itinerary.js';
import type { CommandOf, MigrationTaskCommand } from './migration-task.commands.js';
import { taskNotFound } from './migration-task.errors.js';
import type { MigrationTaskEvent } from './migration-task.events.js';
import { type MigrationTask, type MigrationTaskState, evolve, initialState } from './migration-task.state.js';
import { noteFact, startPhase } from './phase.decisions.js';
import { pause, resume, retry } from './rest.decisions.js';
import { reachTimePoint, removeSchedule, scheduleSync } from './schedule.decisions.js';
import { adjustThrottle, refuseUnusable } from './throttle.decisions.js';

const create = ({ order }: CommandOf<'CreateMigrationTask'>, context: CommandContext): MigrationTaskEvent[] => {
  refuseUnusable(order.settings.throttle);
  const [first] = STANDARD_ITINERARY;
  if (first === undefined) throw new TypeError('An itinerary has at least one phase');
  return [
    { type: 'MigrationTaskCreated', data: { ...order, itinerary: STANDARD_ITINERARY, createdAt: context.now } },
    startPhase(order, first.name, null),
  ];
};

const decideTask = (
  task: MigrationTask,
  command: MigrationTaskCommand,
  context: CommandContext,
): MigrationTaskEvent[] => {
  switch (command.type) {
    case 'CreateMigrationTask':
      return [];
    case 'NoteFact':
      return noteFact(command, task, context.now);
    case 'NoteFailure':
      return noteFailure(command, task, context);
    case 'NoteRoundStarted':
      return noteRoundStarted(command, task);
    case 'RetryMigrationTask':
      return retry(task, context);
    case 'PauseMigrationTask':
      return pause(task);
    case 'ResumeMigrationTask':
      return resume(task, context);
    case 'CancelMigrationTask':
      return cancel(command, task, context);
    case 'WithdrawCancellation':
      return withdraw(task);
    case 'ReachCleanUp':
      return reachCleanUp(command, task, context);
    case 'NoteTargetRemoved':
      return noteTargetRemoved(task, context);
    case 'NoteCleanUpFailure':
      return noteCleanUpFailure(command, task);
    case 'ScheduleSync':
      return scheduleSync(command, task);
    case 'RemoveSyncSchedule':
      return removeSchedule(task);
    case 'AdjustThrottle':
      return adjustThrottle(command, task);
    case 'ReachTimePoint':
      return reachTimePoint(command, task, context);
  }
};

export const migrationTaskDecider: Decider<MigrationTaskState, MigrationTaskCommand, MigrationTaskEvent> = {
  initialState,
  evolve,
  decide: (command, state, context) => {
    if (command.type === 'CreateMigrationTask' && state === null) return create(command, context);
    if (state === null) throw taskNotFound('with this id');
    return decideTask(state, command, context);
  },
};
