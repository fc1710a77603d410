import { transferCalls } from '#libs/contracts';
import { type EventStore, type PersistedEvent, handleCommand, load, reactionContext } from '#libs/eventsourcing';
import type { ServiceBus } from '#libs/messaging';
import type { Reaction } from '#libs/projections';
import type { MigrationTaskEvent } from '../../migration-task/domain/migration-task.events.js';
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

/**
 * Drives every task along its itinerary: a phase that has started gets its action, a fact that a phase waits for is
 * told to its task. Its memory is the task's own stream.
 */
export const driveMigrationTask = (store: EventStore, bus: Pick<ServiceBus, 'call'>): Reaction => {
  const contextOf = (event: PersistedEvent, reaction: string) =>
    reactionContext(event, reaction, 'service:planning', new Date().toISOString());

  const follow = async (persisted: PersistedEvent, event: MigrationTaskEvent): Promise<void> => {
    if (event.type !== 'PhaseStarted' && event.type !== 'SynchronizationTimePointReached') return;
    const { taskId } = event.data;
    const { state: task } = await load(store, migrationTasks, taskId);
    // What has passed, read again because the checkpoint was lost, must not be asked for again.
    if (task === null || !isCurrent(event, task)) return;
    if (event.type === 'PhaseStarted') {
      const phase = task.itinerary.find(({ name }) => name === event.data.phase);
      if (phase === undefined) return;
      await actionOf(phase.action, task, event.data.restorerId)(bus, contextOf(persisted, phase.action));
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
