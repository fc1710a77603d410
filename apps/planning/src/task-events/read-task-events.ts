import type { EventView } from '#libs/contracts';
import { type EventStore, type PersistedEvent, load } from '#libs/eventsourcing';
import { taskNotFound } from '../migration-task/domain/migration-task.errors.js';
import { migrationTasks } from '../migration-task/migration-task.aggregate.js';
import { compareInLog } from './log-order.js';

/** Streams that hold the history of one task, whoever owns them. Their names are a contract. */
export const streamsOf = (taskId: string, targetVmId: string): string[] => [
  `migrationTask-${taskId}`,
  `targetVm-${targetVmId}`,
  `replication-${taskId}`,
  `cutover-${taskId}`,
];

const viewOf = (event: PersistedEvent): EventView => ({
  eventId: event.id,
  stream: event.streamName,
  revision: event.revision.toString(),
  position: event.position.toString(),
  type: event.storedType,
  occurredAt: event.metadata.occurredAt,
  actor: event.metadata.actor,
  correlationId: event.metadata.correlationId,
  causationId: event.metadata.causationId,
  commandId: event.metadata.commandId,
  data: event.data,
});

/**
 * A page of a task's history in the order in which it happened, over all its streams.
 * @param after position of the last event that was seen (a cursor from an earlier page); null from the beginning
 */
export const readTaskEvents = async (
  store: EventStore,
  taskId: string,
  after: bigint | null,
  limit: number,
): Promise<{ events: EventView[]; next: string | null }> => {
  const { state: task } = await load(store, migrationTasks, taskId);
  if (task === null) throw taskNotFound(taskId);
  const streams = await Promise.all(streamsOf(taskId, task.targetVmId).map((name) => store.readStream(name)));
  const ahead = streams
    .flat()
    .filter(({ position }) => after === null || position > after)
    .sort(compareInLog);
  const cut = endOfPage(ahead, limit);
  const page = ahead.slice(0, cut);
  return { events: page.map(viewOf), next: page.at(-1)?.position.toString() ?? after?.toString() ?? null };
};

/** A page never ends between two events that share a position, because its end is the cursor. */
const endOfPage = (events: readonly PersistedEvent[], limit: number): number => {
  let end = Math.min(limit, events.length);
  while (end < events.length && events[end]?.position === events[end - 1]?.position) end += 1;
  return end;
};
