import {
  END,
  PersistentSubscriptionMaximumSubscribersReachedError,
  PARK,
  PersistentSubscriptionDoesNotExistError,
  PersistentSubscriptionDroppedError,
  PersistentSubscriptionExistsError,
  persistentSubscriptionToAllSettingsFromDefaults,
  persistentSubscriptionToStreamSettingsFromDefaults,
  RETRY,
  SKIP,
  START,
  streamNameFilter,
  type PersistentSubscriptionToAllResolvedEvent,
  type PersistentSubscriptionToStreamResolvedEvent,
} from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Collector, freshStream, openStore, someEvents, type StoreUnderTest } from './store-under-test.js';

let store: StoreUnderTest;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.close());

type Settings = Parameters<typeof persistentSubscriptionToStreamSettingsFromDefaults>[0];
type Message = PersistentSubscriptionToStreamResolvedEvent;

const GROUP = 'workers';

async function groupOn(stream: string, settings: Settings = {}): Promise<void> {
  await store.client.createPersistentSubscriptionToStream(
    stream,
    GROUP,
    persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: START, checkPointLowerBound: 1, ...settings }),
  );
}

const join = (stream: string, bufferSize = 10) =>
  store.client.subscribeToPersistentSubscriptionToStream(stream, GROUP, { bufferSize });

const numberOf = (message: Message): number => (message.event!.data as { number: number }).number;

describe('the life of a group', () => {
  it('is created once, found, listed, changed and deleted', async () => {
    const stream = freshStream('group');
    await groupOn(stream);
    await expect(groupOn(stream)).rejects.toBeInstanceOf(PersistentSubscriptionExistsError);
    const info = await store.client.getPersistentSubscriptionToStreamInfo(stream, GROUP);
    expect(info).toMatchObject({ eventSource: stream, groupName: GROUP, status: 'Live' });
    await store.client.updatePersistentSubscriptionToStream(
      stream,
      GROUP,
      persistentSubscriptionToStreamSettingsFromDefaults({ maxRetryCount: 3 }),
    );
    const [listed] = await store.client.listPersistentSubscriptionsToStream(stream);
    expect(listed!.settings.maxRetryCount).toBe(3);
    const everywhere = await store.client.listAllPersistentSubscriptions();
    expect(everywhere.map(({ eventSource }) => eventSource)).toContain(stream);
    await store.client.deletePersistentSubscriptionToStream(stream, GROUP);
    const again = store.client.deletePersistentSubscriptionToStream(stream, GROUP);
    await expect(again).rejects.toBeInstanceOf(PersistentSubscriptionDoesNotExistError);
  });

  it('drops its consumers when it is deleted', async () => {
    const stream = freshStream('group');
    await groupOn(stream);
    const consumer = join(stream);
    const ending = new Promise((resolve) => consumer.on('error', resolve));
    await new Promise<void>((resolve) => consumer.on('confirmation', () => resolve()));
    await store.client.deletePersistentSubscriptionToStream(stream, GROUP);
    expect(await ending).toBeInstanceOf(PersistentSubscriptionDroppedError);
  });

  it('takes no more consumers than it may', async () => {
    const stream = freshStream('group');
    await groupOn(stream, { maxSubscriberCount: 1 });
    const first = join(stream);
    await new Promise<void>((resolve) => first.on('confirmation', () => resolve()));
    const second = join(stream);
    expect(await new Promise((resolve) => second.on('error', resolve))).toBeInstanceOf(
      PersistentSubscriptionMaximumSubscribersReachedError,
    );
    await first.unsubscribe();
  });

  it('refuses consumers of a group that is none', async () => {
    const consumer = store.client.subscribeToPersistentSubscriptionToStream(freshStream('none'), GROUP);
    const error = await new Promise((resolve) => consumer.on('error', resolve));
    expect(error).toBeInstanceOf(PersistentSubscriptionDoesNotExistError);
  });
});

describe('consumers', () => {
  it('get what is there and what comes, and go on where they stopped', async () => {
    const stream = freshStream('consume');
    await store.client.appendToStream(stream, someEvents(5));
    await groupOn(stream);
    const first = new Collector<Message>();
    const consumer = join(stream);
    consumer.on('data', (message) => {
      first.take(message);
      void consumer.ack(message);
    });
    await first.atLeast(5);
    await store.client.appendToStream(stream, someEvents(5, 'Live', 5));
    expect((await first.atLeast(10)).map(numberOf)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await settled(stream, 9n);
    await consumer.unsubscribe();
    await store.client.appendToStream(stream, someEvents(1, 'Later', 10));
    const second = new Collector<Message>();
    const next = join(stream).on('data', second.take);
    expect((await second.atLeast(1)).map(numberOf)).toEqual([10]);
    await next.unsubscribe();
  });

  it('get no more at once than they have room for', async () => {
    const stream = freshStream('room');
    await store.client.appendToStream(stream, someEvents(20));
    await groupOn(stream);
    const got = new Collector<Message>();
    const consumer = join(stream, 3).on('data', got.take);
    await got.atLeast(3);
    await expect(got.atLeast(4, 300)).rejects.toThrow(/3 of 4/);
    await consumer.ack(got.items[0]!);
    expect(await got.atLeast(4)).toHaveLength(4);
    await consumer.unsubscribe();
  });

  it('share the work, and take over from one that goes', async () => {
    const stream = freshStream('share');
    await groupOn(stream);
    const [one, two] = [new Collector<Message>(), new Collector<Message>()];
    const consumers = [join(stream).on('data', one.take), join(stream).on('data', two.take)];
    await Promise.all(
      consumers.map((consumer) => new Promise<void>((resolve) => consumer.on('confirmation', () => resolve()))),
    );
    await store.client.appendToStream(stream, someEvents(6));
    await Promise.all([one.atLeast(3), two.atLeast(3)]);
    expect([...one.items, ...two.items].map(numberOf).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    await consumers[0]!.unsubscribe();
    const taken = (await two.atLeast(6)).slice(3);
    expect(taken.map(numberOf)).toEqual(one.items.map(numberOf));
    expect(taken.every(({ retryCount }) => retryCount === 1)).toBe(true);
    await consumers[1]!.unsubscribe();
  });
});

describe('messages that cannot be handled', () => {
  it('come again when retried, up to the limit, and are then parked', async () => {
    const stream = freshStream('retry');
    await store.client.appendToStream(stream, someEvents(1));
    await groupOn(stream, { maxRetryCount: 2 });
    const got = new Collector<Message>();
    const consumer = join(stream);
    consumer.on('data', (message) => {
      got.take(message);
      void consumer.nack(RETRY, 'not now', message);
    });
    expect((await got.atLeast(3)).map(({ retryCount }) => retryCount)).toEqual([0, 1, 2]);
    await parked(stream, 1n);
    await consumer.unsubscribe();
  });

  it('are parked, replayed with their link, and can be skipped', async () => {
    const stream = freshStream('park');
    await store.client.appendToStream(stream, someEvents(2));
    await groupOn(stream);
    const got = new Collector<Message>();
    const consumer = join(stream).on('data', got.take);
    const [first, second] = await got.atLeast(2);
    await consumer.nack(PARK, 'broken', first!);
    await consumer.nack(SKIP, 'of no use', second!);
    await parked(stream, 1n);
    await store.client.replayParkedMessagesToStream(stream, GROUP);
    const replayed = (await got.atLeast(3))[2]!;
    expect(numberOf(replayed)).toBe(0);
    expect(replayed.link?.streamId).toBe(`$persistentsubscription-${stream}::${GROUP}-parked`);
    await consumer.ack(replayed);
    await parked(stream, 0n);
    await consumer.unsubscribe();
  });

  it('come again when nobody says anything for too long', async () => {
    const stream = freshStream('timeout');
    await store.client.appendToStream(stream, someEvents(1));
    await groupOn(stream, { messageTimeout: 500 });
    const got = new Collector<Message>();
    const consumer = join(stream).on('data', got.take);
    expect((await got.atLeast(2)).map(({ retryCount }) => retryCount)).toEqual([0, 1]);
    await consumer.unsubscribe();
  });
});

describe('a group of $all', () => {
  it('gets what passes its filter', async () => {
    const stream = freshStream('of-all');
    const group = `all-${stream}`;
    await store.client.createPersistentSubscriptionToAll(
      group,
      persistentSubscriptionToAllSettingsFromDefaults({ startFrom: END }),
      { filter: streamNameFilter({ prefixes: [stream] }) },
    );
    const got = new Collector<PersistentSubscriptionToAllResolvedEvent>();
    const consumer = store.client.subscribeToPersistentSubscriptionToAll(group);
    consumer.on('data', (message) => {
      got.take(message);
      void consumer.ack(message);
    });
    await new Promise<void>((resolve) => consumer.on('confirmation', () => resolve()));
    await store.client.appendToStream(freshStream('else'), someEvents(2));
    await store.client.appendToStream(stream, someEvents(2));
    expect((await got.atLeast(2)).map(({ event }) => event!.streamId)).toEqual([stream, stream]);
    const info = await store.client.getPersistentSubscriptionToAllInfo(group);
    expect(info.eventSource).toBe('$all');
    await consumer.unsubscribe();
    await store.client.deletePersistentSubscriptionToAll(group);
  });

  it('begins, at the end, with the configuration that created or changed it', async () => {
    const group = freshStream('from-end');
    const settings = persistentSubscriptionToAllSettingsFromDefaults({ startFrom: END });
    await store.client.createPersistentSubscriptionToAll(group, settings);
    expect(await firstStreamsOf(group)).toContain('$persistentSubscriptionConfig');
    await store.client.updatePersistentSubscriptionToAll(group, settings);
    expect(await firstStreamsOf(group)).toContain('$persistentSubscriptionConfig');
    await store.client.deletePersistentSubscriptionToAll(group);
  });
});

/** Where the messages come from that a new consumer of a group of `$all` gets, up to one that is appended now. */
async function firstStreamsOf(group: string): Promise<string[]> {
  const marker = freshStream('marker');
  const streams = new Collector<string>();
  const consumer = store.client.subscribeToPersistentSubscriptionToAll(group);
  const marked = new Promise<void>((resolve) =>
    consumer.on('data', ({ event }) => {
      streams.take(event!.streamId);
      if (event!.streamId === marker) resolve();
    }),
  );
  await store.client.appendToStream(marker, someEvents(1));
  await marked;
  await consumer.unsubscribe();
  return streams.items;
}

/** Waits, within bounds, until the group has a checkpoint at `revision`. */
async function settled(stream: string, revision: bigint): Promise<void> {
  await expect
    .poll(
      async () => {
        const { stats } = await store.client.getPersistentSubscriptionToStreamInfo(stream, GROUP);
        return stats.lastCheckpointedEventRevision;
      },
      { timeout: 10_000 },
    )
    .toBe(revision);
}

async function parked(stream: string, count: bigint): Promise<void> {
  await expect
    .poll(
      async () => {
        const { stats } = await store.client.getPersistentSubscriptionToStreamInfo(stream, GROUP);
        return stats.parkedMessageCount;
      },
      { timeout: 10_000 },
    )
    .toBe(count);
}
