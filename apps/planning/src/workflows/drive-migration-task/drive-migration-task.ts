import { type Failure, transferCalls } from '#libs/contracts';
import {
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
import type { MigrationTaskEvent, PhaseStarted } from '../../migration-task/domain/migration-task.events.js';
import type { MigrationTask } from '../../migration-task/domain/migration-task.state.js';
import { migrationTasks } from '../../migration-task/migration-task.aggregate.js';
import { noteWhatHappened } from './note-what-happened.js';
import { SYNCHRONIZING_PHASES, actionOf } from './phase-actions.js';

const isCurrent = (
  event: Extract<MigrationTaskEvent, { type: 'PhaseStarted' | 'SynchronizationTimePointReached' }>,
  task: MigrationTask,
): boolean =>
  event.type === 'PhaseStarted'
    ? task.phase === event.data.phase
    : task.generation === event.data.generation && task.nextTimePoint === event.data.nextTimePoint;

const failureOf = (error: DomainError | PermanentError): Failure =>
  error instanceof DomainError
    ? { code: error.code, detail: error.message, remedy: error.remedy }
    : {
        code: 'PHASE_ACTION_FAILED',
        detail: error.message,
        remedy: 'See the log of the service that the action belongs to, then retry the task.',
      };

/**
 * Drives every task along its itinerary: a phase that has started gets its action, a fact that a phase waits for is
 * told to its task. Its memory is the task's own stream.
 */
export const driveMigrationTask = (store: EventStore, bus: Pick<ServiceBus, 'call'>): Reaction => {
  const contextOf = (event: PersistedEvent, reaction: string) =>
    reactionContext(event, reaction, 'service:planning', new Date().toISOString());

  /** An action that is refused, or can never succeed, halts its task with the reason; one that may pass is tried again. */
  const act = async (persisted: PersistedEvent, task: MigrationTask, started: PhaseStarted['data']): Promise<void> => {
    const phase = task.itinerary.find(({ name }) => name === started.phase);
    if (phase === undefined) return;
    try {
      await actionOf(phase.action, task, started.restorerId)(bus, contextOf(persisted, phase.action));
    } catch (error) {
      if (!(error instanceof DomainError) && !(error instanceof PermanentError)) throw error;
      const command = { type: 'NoteFailure', phases: [phase.name], failure: failureOf(error) } as const;
      await handleCommand(store, migrationTasks, task.taskId, command, contextOf(persisted, 'halt'));
    }
  };

  const follow = async (persisted: PersistedEvent, event: MigrationTaskEvent): Promise<void> => {
    if (event.type !== 'PhaseStarted' && event.type !== 'SynchronizationTimePointReached') return;
    const { taskId } = event.data;
    const { state: task } = await load(store, migrationTasks, taskId);
    // What has passed, read again because the checkpoint was lost, must not be asked for again.
    if (task === null || !isCurrent(event, task)) return;
    if (event.type === 'PhaseStarted') {
      await act(persisted, task, event.data);
    } else if (task.phase !== null && SYNCHRONIZING_PHASES.includes(task.phase)) {
      const context = contextOf(persisted, 'start-sync-round');
      await bus.call(transferCalls.startSyncRound, { taskId, trigger: 'schedule' }, context);
    }
  };

  return {
    kind: 'reaction',
    name: 'drive-migration-task',
    prefixes: ['migrationTask-', 'targetVm-', 'replication-', 'cutover-'],
    react: async (persisted) => {
      const own = migrationTasks.codec.decode(persisted);
      if (own !== null) {
        await follow(persisted, own);
        return;
      }
      const note = noteWhatHappened(persisted);
      if (note === null) return;
      await handleCommand(store, migrationTasks, note.taskId, note.command, contextOf(persisted, note.command.type));
    },
  };
};
