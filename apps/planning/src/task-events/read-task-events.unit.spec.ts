import { beforeEach, describe, expect, it } from 'vitest';
import { type NewEvent, type PersistedEvent, eventIdOf, handleCommand, metadataOf } from '#libs/eventsourcing';
import { InMemoryEventStore, exampleContext, nthContext } from '#libs/testing';
import { migrationTasks } from '../migration-task/migration-task.aggregate.js';
import { ORDER, TASK } from '../migration-task/migration-task.examples.js';
import { readTaskEvents } from './read-task-events.js';

let store: InMemoryEventStore;
let count = 0;
const some = (storedType: string): NewEvent => ({
  id: eventIdOf(exampleContext().commandId, (count += 1)),
  storedType,
  data: { count },
  metadata: metadataOf(exampleContext(), 'someone'),
});
const streams = [`targetVm-${ORDER.targetVmId}`, `replication-${TASK}`, `cutover-${TASK}`] as const;

/** A server on which the events of one append have one position. */
class StoreWithSharedPositions extends InMemoryEventStore {
  override async readStream(name: string): Promise<readonly PersistedEvent[]> {
    const events = await super.readStream(name);
    return name === streams[0] ? events.map((event) => ({ ...event, position: 4n })) : events;
  }
}

const fill = async (store: InMemoryEventStore): Promise<InMemoryEventStore> => {
  const order = { type: 'CreateMigrationTask', order: ORDER } as const;
  await handleCommand(store, migrationTasks, TASK, order, nthContext(0));
  await store.append(streams[1], 'no-stream', [some('r0')]);
  await store.append('replication-of-another', 'no-stream', [some('other')]);
  await store.append(streams[0], 'no-stream', [some('v0'), some('v1')]);
  await store.append(streams[2], 'no-stream', [some('c0')]);
  await store.append(streams[1], 0n, [some('r1')]);
  return store;
};

beforeEach(async () => {
  store = await fill(new InMemoryEventStore());
});

const typesOf = ({ events }: { events: readonly { type: string }[] }): string[] => events.map(({ type }) => type);
const ALL = ['planning.migration-task-created.v1', 'planning.phase-started.v1', 'r0', 'v0', 'v1', 'c0', 'r1'];

describe('the history of a task', () => {
  it('is in the order in which it happened, over all its streams', async () => {
    const page = await readTaskEvents(store, TASK, null, 100);
    expect(typesOf(page)).toEqual(ALL);
    expect(page.events[2]).toMatchObject({
      stream: streams[1],
      revision: '0',
      position: '2',
      actor: exampleContext().actor,
      commandId: exampleContext().commandId,
    });
  });

  it('is the same page by page, and ends with a cursor for what comes', async () => {
    const seen: string[] = [];
    let after: bigint | null = null;
    for (let pages = 0; pages < 10; pages += 1) {
      const page = await readTaskEvents(store, TASK, after, 2);
      expect(page.events.length).toBeLessThanOrEqual(2);
      seen.push(...typesOf(page));
      expect(page.next).not.toBeNull();
      after = BigInt(page.next!);
    }
    expect(seen).toEqual(ALL);
    await store.append(streams[2], 0n, [some('c1')]);
    expect(typesOf(await readTaskEvents(store, TASK, after, 2))).toEqual(['c1']);
  });

  it('does not break a page between events that share a position', async () => {
    const sharing = await fill(new StoreWithSharedPositions());
    const page = await readTaskEvents(sharing, TASK, 2n, 1);
    expect(typesOf(page)).toEqual(['v0', 'v1']);
    expect(page.next).toBe('4');
  });

  it('is not that of a task that does not exist', async () => {
    await expect(readTaskEvents(store, ORDER.siteId, null, 10)).rejects.toMatchObject({
      code: 'PLANNING.TASK_NOT_FOUND',
    });
  });
});
