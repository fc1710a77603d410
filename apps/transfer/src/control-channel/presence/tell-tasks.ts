import type { DataSource } from 'typeorm';
import {
  type CommandContext,
  DomainError,
  type EventStore,
  correlatedBy,
  handleCommand,
  reactionIdOf,
} from '#libs/eventsourcing';
import type { CommandOf } from '../../replication/domain/replication.commands.js';
import { tasksOfEndpoint } from '../../replication/read-model/replication.projection.js';
import { replications } from '../../replication/replication.aggregate.js';

type NoteOfEnd = CommandOf<'NoteEndConnected' | 'NoteEndAway'>;

/**
 * Tells every task of an endpoint that it came or left; the tasks decide what that means to their work.
 * @param context of what happened to the endpoint; each task gets a command of its own, the same at each repetition
 */
export const tellTasks = async (
  store: EventStore,
  dataSource: DataSource,
  endpointId: string,
  note: NoteOfEnd,
  context: CommandContext,
): Promise<void> => {
  for (const taskId of await tasksOfEndpoint(dataSource, endpointId)) {
    const commandId = reactionIdOf(context.commandId, `${note.type}:${taskId}`);
    try {
      await handleCommand(store, replications, taskId, note, { ...correlatedBy(context, taskId), commandId });
    } catch (error) {
      // A replication that is known to the read model alone has no work that could wait.
      if (!(error instanceof DomainError && error.code === 'TRANSFER.NOT_STARTED')) throw error;
    }
  }
};
