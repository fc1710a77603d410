import type { PhaseName } from '#libs/contracts';
import type { CommandContext, Decider } from '#libs/eventsourcing';
import { STANDARD_ITINERARY } from './itinerary.js';
import type { MigrationTaskCommand } from './migration-task.commands.js';
import { taskEnded, taskNotFound, taskNotHalted } from './migration-task.errors.js';
import type { MigrationTaskEvent } from './migration-task.events.js';
import { type MigrationTask, type MigrationTaskState, evolve, initialState } from './migration-task.state.js';

const startPhase = (
  task: Pick<MigrationTask, 'taskId'>,
  phase: PhaseName,
  restorerId: string | null,
): MigrationTaskEvent => ({
  type: 'PhaseStarted',
  data: { taskId: task.taskId, phase, restorerId },
});

const create = (
  command: Extract<MigrationTaskCommand, { type: 'CreateMigrationTask' }>,
  context: CommandContext,
): MigrationTaskEvent[] => {
  const [first] = STANDARD_ITINERARY;
  if (first === undefined) throw new TypeError('An itinerary has at least one phase');
  return [
    { type: 'MigrationTaskCreated', data: { ...command.order, itinerary: STANDARD_ITINERARY, createdAt: context.now } },
    startPhase(command.order, first.name, null),
  ];
};

/** The wait of the phase in hand is over; the next begins, or the task is complete. Other facts change nothing. */
const noteFact = (task: MigrationTask, fact: string, restorerId: string | null, now: string): MigrationTaskEvent[] => {
  const index = task.itinerary.findIndex((phase) => phase.name === task.phase);
  const current = task.itinerary[index];
  if (current?.waitsFor !== fact) return [];
  const known = restorerId ?? task.restorerId;
  const completed: MigrationTaskEvent = {
    type: 'PhaseCompleted',
    data: { taskId: task.taskId, phase: current.name, fact, restorerId: known },
  };
  const next = task.itinerary[index + 1];
  return next === undefined
    ? [completed, { type: 'MigrationTaskCompleted', data: { taskId: task.taskId, completedAt: now } }]
    : [completed, startPhase(task, next.name, known)];
};

const retry = (task: MigrationTask): MigrationTaskEvent[] => {
  const current = task.itinerary.find((phase) => phase.name === task.phase);
  if (task.status !== 'halted' || current === undefined) throw taskNotHalted();
  return [startPhase(task, current.retryFrom, task.restorerId)];
};

const decideTask = (
  task: MigrationTask,
  command: MigrationTaskCommand,
  context: CommandContext,
): MigrationTaskEvent[] => {
  const { taskId } = task;
  switch (command.type) {
    case 'CreateMigrationTask':
      return [];
    case 'NoteFact':
      return noteFact(task, command.fact, command.restorerId, context.now);
    case 'NoteFailure': {
      if (task.status !== 'running' || task.phase === null || !command.phases.includes(task.phase)) return [];
      return [{ type: 'MigrationTaskHalted', data: { taskId, phase: task.phase, failure: command.failure } }];
    }
    case 'RetryMigrationTask':
      if (task.status === 'completed') throw taskEnded();
      return retry(task);
    case 'ScheduleSync': {
      if (task.status === 'completed') throw taskEnded();
      const { schedule, nextTimePoint } = command;
      return [{ type: 'SyncScheduled', data: { taskId, schedule, generation: task.generation + 1, nextTimePoint } }];
    }
    case 'RemoveSyncSchedule':
      if (task.schedule === null) return [];
      return [{ type: 'SyncScheduleRemoved', data: { taskId, generation: task.generation + 1 } }];
    case 'ReachTimePoint': {
      const { generation, timePoint, nextTimePoint } = command;
      const due = task.nextTimePoint === timePoint && generation === task.generation && timePoint <= context.now;
      if (!due) return []; // an earlier schedule's, or another replica was faster
      return [{ type: 'SynchronizationTimePointReached', data: { taskId, generation, timePoint, nextTimePoint } }];
    }
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
