import { PUBLISHED } from '#libs/contracts';
import { type EventStore, type PersistedEvent, load } from '#libs/eventsourcing';
import { migrationTasks } from '../../migration-task/migration-task.aggregate.js';
import type { Note } from './note-what-happened.js';

/** What a cutover comes to. It counts for the cutover that it belongs to, and for none after a cancellation. */
const CUTOVER_FACTS: readonly string[] = ['final-sync-approved', 'final-sync-completed', 'replica-verified'];

const wasCancelledSince = async (store: EventStore, taskId: string, position: bigint): Promise<boolean> => {
  const { persisted } = await load(store, migrationTasks, taskId);
  return persisted.some((event) => {
    const own = migrationTasks.codec.decode(event);
    return own?.type === 'CancellationWithdrawn' && event.position > position;
  });
};

const ENDS: readonly string[] = [PUBLISHED.syncRoundCompleted.stored, PUBLISHED.syncRoundFailed.stored];

/** Rounds follow each other, so the first end after a beginning is its own. */
const hasEnded = async (store: EventStore, { streamName, revision }: PersistedEvent): Promise<boolean> =>
  (await store.readStream(streamName, revision + 1n)).some(({ storedType }) => ENDS.includes(storedType));

/**
 * Whether an event that is read late, or again, says something that does not hold any more and must not be told: a
 * step of a cutover before a cancellation that was withdrawn, or the beginning of a round that is over.
 */
export const isPast = async (
  store: EventStore,
  persisted: PersistedEvent,
  { taskId, command }: Note,
): Promise<boolean> => {
  if (command.type === 'NoteRoundStarted') return hasEnded(store, persisted);
  if (command.type !== 'NoteFact' || !CUTOVER_FACTS.includes(command.fact)) return false;
  return wasCancelledSince(store, taskId, persisted.position);
};
