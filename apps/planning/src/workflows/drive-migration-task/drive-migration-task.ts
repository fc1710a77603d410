import { type Failure, PUBLISHED, transferCalls } from '#libs/contracts';
import {
  type CommandContext,
  DomainError,
  type EventStore,
  PermanentError,
  type PersistedEvent,
  handleCommand,
  load,
  reactionContext,
} from '#libs/eventsourcing';
import type { ServiceBus } from '#libs/messaging';
import type { Reaction } from '#libs/projections';
import type { MigrationTaskCommand } from '../../migration-task/domain/migration-task.commands.js';
import type { PhaseStarted } from '../../migration-task/domain/migration-task.events.js';
import type { MigrationTask, MigrationTaskState } from '../../migration-task/domain/migration-task.state.js';
import { migrationTasks } from '../../migration-task/migration-task.aggregate.js';
import { type FollowedEvent, isCurrent, isFollowed } from './is-current.js';
import { isPast } from './is-past.js';
import { noteWhatHappened } from './note-what-happened.js';
import { squareUp } from './square-up.js';
import { SYNCHRONIZING_PHASES, actionOf, isUnderWay } from './phase-actions.js';
import {
  type ContextOf,
  adjustThrottle,
  endWork,
  pauseWork,
  removeTarget,
  resumeWork,
  stopWork,
  takeUpWork,
  withdrawCutover,
} from './rest-actions.js';

const failureOf = (error: DomainError | PermanentError): Failure =>
  error instanceof DomainError
    ? { code: error.code, detail: error.message, remedy: error.remedy }
    : {
        code: 'PHASE_ACTION_FAILED',
        detail: error.message,
        remedy: 'See the log of the service that the action belongs to, then retry the task.',
      };

/** @returns what the action failed of when it was refused or can never succeed. @throws what may pass */
const failureOfAction = async (action: () => Promise<unknown>): Promise<Failure | null> => {
  try {
    await action();
    return null;
  } catch (error) {
    if (error instanceof DomainError || error instanceof PermanentError) return failureOf(error);
    throw error;
  }
};

/**
 * Drives every task along its itinerary: a phase that has started gets its action, a fact that a phase waits for is
 * told to its task. Its memory is the task's own stream.
 */
export const driveMigrationTask = (store: EventStore, bus: Pick<ServiceBus, 'call'>): Reaction => {
  const tell = async (taskId: string, command: MigrationTaskCommand, context: CommandContext) =>
    (await handleCommand(store, migrationTasks, taskId, command, context)).state;

  /** An action that is refused, or can never succeed, halts its task with the reason; one that may pass is tried again. */
  const act = async (task: MigrationTask, started: PhaseStarted['data'], contextOf: ContextOf): Promise<void> => {
    const phase = task.itinerary.find(({ name }) => name === started.phase);
    if (phase === undefined) return;
    const { action, name } = phase;
    const failure = await failureOfAction(async () =>
      actionOf(action, task, started.restorerId)(bus, contextOf(action)),
    );
    if (failure === null || isUnderWay(action, failure)) return;
    await tell(task.taskId, { type: 'NoteFailure', phases: [name], failure }, contextOf('halt'));
  };

  const startRound = async ({ taskId, phase }: MigrationTask, contextOf: ContextOf): Promise<void> => {
    if (phase === null || !SYNCHRONIZING_PHASES.includes(phase)) return;
    const question = { taskId, trigger: 'schedule', resend: false } as const;
    await bus.call(transferCalls.startSyncRound, question, contextOf('start-sync-round'));
  };

  const cleanUp = async (task: MigrationTask, contextOf: ContextOf): Promise<void> => {
    const failure = await failureOfAction(async () => {
      await endWork(bus, task, contextOf('end-work'));
      await removeTarget(bus, task, contextOf('remove-target-vm'));
    });
    if (failure === null) return;
    await tell(task.taskId, { type: 'NoteCleanUpFailure', failure }, contextOf('note-clean-up-failure'));
  };

  const follow = async (event: FollowedEvent, at: string, contextOf: ContextOf): Promise<void> => {
    const { taskId } = event.data;
    const { state: task } = await load(store, migrationTasks, taskId);
    if (task === null || !isCurrent(event, task)) return;
    switch (event.type) {
      case 'PhaseStarted':
        return act(task, event.data, contextOf);
      case 'SynchronizationTimePointReached':
        return startRound(task, contextOf);
      case 'ThrottleAdjusted':
        return adjustThrottle(bus, task, contextOf('adjust-throttle'));
      case 'MigrationTaskPaused':
        return pauseWork(bus, taskId, contextOf('pause-replication'));
      case 'MigrationTaskResumed':
        return resumeWork(bus, taskId, contextOf('resume-replication'));
      case 'MigrationTaskCancelled':
        return endWork(bus, task, contextOf('end-work'));
      case 'CancellationWithdrawn':
        return takeUpWork(bus, task, { generation: event.data.generation, at }, contextOf);
      case 'CleanUpStarted':
        return cleanUp(task, contextOf);
    }
  };

  /** What was asked for before the task came to rest, and was answered late, rests with it. */
  const keepAtRest = async (
    { storedType }: PersistedEvent,
    task: MigrationTaskState,
    contextOf: ContextOf,
  ): Promise<void> => {
    if (task === null) return;
    const { taskId, stage, isPaused } = task;
    const isEnding = stage === 'cancelling' || stage === 'cleaning-up' || stage === 'cancelled';
    if (storedType === PUBLISHED.syncRoundStarted.stored) {
      if (isEnding) await stopWork(bus, taskId, contextOf('stop-replication'));
      else if (isPaused) await pauseWork(bus, taskId, contextOf('pause-replication'));
    }
    if (storedType === PUBLISHED.finalSyncApproved.stored && isEnding) {
      await withdrawCutover(bus, taskId, contextOf('withdraw-cutover'));
    }
  };

  return {
    kind: 'reaction',
    name: 'drive-migration-task',
    prefixes: ['migrationTask-', 'targetVm-', 'replication-', 'cutover-'],
    react: async (persisted) => {
      const contextOf: ContextOf = (reaction) =>
        reactionContext(persisted, reaction, 'service:planning', new Date().toISOString());
      const own = migrationTasks.codec.decode(persisted);
      if (own !== null) {
        if (isFollowed(own)) await follow(own, persisted.metadata.occurredAt, contextOf);
        return;
      }
      await squareUp(store, bus, persisted, contextOf('square-up'));
      const note = noteWhatHappened(persisted);
      if (note === null || (await isPast(store, persisted, note))) return;
      const task = await tell(note.taskId, note.command, contextOf(note.command.type));
      await keepAtRest(persisted, task, contextOf);
    },
  };
};
