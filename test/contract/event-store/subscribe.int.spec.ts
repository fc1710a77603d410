import {
  END,
  eventTypeFilter,
  excludeSystemEvents,
  START,
  streamNameFilter,
  type AllStreamResolvedEvent,
  type Position,
  type ResolvedEvent,
} from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Collector, freshStream, openStore, someEvents, type StoreUnderTest } from './store-under-test.js';

let store: StoreUnderTest;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.close());

interface Emitter {
  on(event: 'caughtUp', listener: () => void): unknown;
}

const caughtUp = (subscription: Emitter): Promise<void> =>
  new Promise((resolve) => subscription.on('caughtUp', () => resolve()));

describe('subscribing to a stream', () => {
  it('gives what is there, says so, and then what comes, without gap or duplicate', async () => {
    const stream = freshStream('subscribe');
    await store.client.appendToStream(stream, someEvents(300));
    const got = new Collector<ResolvedEvent>();
    const subscription = store.client.subscribeToStream(stream, { fromRevision: START }).on('data', got.take);
    const writing = (async () => {
      for (let round = 0; round < 20; round += 1) {
        await store.client.appendToStream(stream, someEvents(10, 'Live', 300 + round * 10));
      }
    })();
    await writing;
    const events = await got.atLeast(500);
    expect(events.map(({ event }) => event!.revision)).toEqual(
      Array.from({ length: 500 }, (_, index) => BigInt(index)),
    );
    await subscription.unsubscribe();
  });

  it('begins behind the revision it is given', async () => {
    const stream = freshStream('subscribe');
    await store.client.appendToStream(stream, someEvents(5));
    const got = new Collector<ResolvedEvent>();
    const subscription = store.client.subscribeToStream(stream, { fromRevision: 2n }).on('data', got.take);
    expect((await got.atLeast(2)).map(({ event }) => event!.revision)).toEqual([3n, 4n]);
    await subscription.unsubscribe();
  });

  it('gives only news when it begins at the end', async () => {
    const stream = freshStream('subscribe');
    await store.client.appendToStream(stream, someEvents(5));
    const got = new Collector<ResolvedEvent>();
    const subscription = store.client.subscribeToStream(stream, { fromRevision: END }).on('data', got.take);
    await caughtUp(subscription);
    await store.client.appendToStream(stream, someEvents(1));
    expect((await got.atLeast(1)).map(({ event }) => event!.revision)).toEqual([5n]);
    await subscription.unsubscribe();
  });

  it('waits for a stream that does not exist yet', async () => {
    const stream = freshStream('subscribe');
    const got = new Collector<ResolvedEvent>();
    const subscription = store.client.subscribeToStream(stream).on('data', got.take);
    await new Promise<void>((resolve) => subscription.on('confirmation', () => resolve()));
    await store.client.appendToStream(stream, someEvents(2));
    expect(await got.atLeast(2)).toHaveLength(2);
    await subscription.unsubscribe();
  });
});

describe('subscribing to $all', () => {
  it('gives the events of all streams in the order of their positions', async () => {
    const streams = [freshStream('all-a'), freshStream('all-b')];
    const got = new Collector<AllStreamResolvedEvent>();
    const subscription = store.client.subscribeToAll({ fromPosition: END }).on('data', (resolved) => {
      if (streams.includes(resolved.event?.streamId ?? '')) got.take(resolved);
    });
    await caughtUp(subscription);
    for (let round = 0; round < 5; round += 1) {
      for (const stream of streams) await store.client.appendToStream(stream, someEvents(2));
    }
    const positions = (await got.atLeast(20)).map(({ event }) => event!.position.commit);
    expect(positions).toEqual([...positions].sort((a, b) => (a < b ? -1 : 1)));
    await subscription.unsubscribe();
  });

  it('goes on behind the position it is given', async () => {
    const stream = freshStream('resume');
    const { position } = await store.client.appendToStream(stream, someEvents(2));
    await store.client.appendToStream(stream, someEvents(2, 'Later'));
    const got = new Collector<AllStreamResolvedEvent>();
    const subscription = store.client
      .subscribeToAll({ fromPosition: position!, filter: streamNameFilter({ prefixes: [stream] }) })
      .on('data', got.take);
    expect((await got.atLeast(2)).map(({ event }) => event!.revision)).toEqual([2n, 3n]);
    await subscription.unsubscribe();
  });

  it.each([
    ['stream names by prefix', (own: string) => streamNameFilter({ prefixes: [own, 'nothing-'] })],
    ['stream names by pattern', (own: string) => streamNameFilter({ regex: `^${own}` })],
  ])('filters %s', async (_, filter) => {
    const own = freshStream('filter');
    const got = new Collector<AllStreamResolvedEvent>();
    const subscription = store.client.subscribeToAll({ fromPosition: END, filter: filter(own) }).on('data', got.take);
    await caughtUp(subscription);
    await store.client.appendToStream(freshStream('other'), someEvents(3));
    await store.client.appendToStream(own, someEvents(2));
    expect((await got.atLeast(2)).map(({ event }) => event!.streamId)).toEqual([own, own]);
    await subscription.unsubscribe();
  });

  it.each([
    ['streams', streamNameFilter({ regex: '^[^$].*' })],
    ['event types', excludeSystemEvents()],
  ])('keeps the events of the server out when it asks for no system %s', async (_, filter) => {
    const own = freshStream('plain');
    await store.client.appendToStream(own, someEvents(1));
    const names = new Collector<string>();
    const subscription = store.client.subscribeToAll({ fromPosition: START, filter });
    const arrived = new Promise<void>((resolve) =>
      subscription.on('data', ({ event }) => {
        names.take(filter.filterOn === 'streamName' ? event!.streamId : event!.type);
        if (event!.streamId === own) resolve();
      }),
    );
    await arrived;
    expect(names.items.filter((name) => name.startsWith('$'))).toEqual([]);
    await subscription.unsubscribe();
  });

  it.each([
    ['prefix', eventTypeFilter({ prefixes: ['Wanted'] })],
    ['pattern', eventTypeFilter({ regex: '^Wanted(One|Two)$' })],
  ])('filters event types by %s', async (_, filter) => {
    const stream = freshStream('types');
    const got = new Collector<AllStreamResolvedEvent>();
    const subscription = store.client.subscribeToAll({ fromPosition: END, filter }).on('data', got.take);
    await caughtUp(subscription);
    await store.client.appendToStream(stream, [
      ...someEvents(1, 'WantedOne'),
      ...someEvents(1, 'Other'),
      ...someEvents(1, 'WantedTwo'),
    ]);
    expect((await got.atLeast(2)).map(({ event }) => event!.type)).toEqual(['WantedOne', 'WantedTwo']);
    await subscription.unsubscribe();
  });

  it('reports how far it looked where nothing passes the filter', async () => {
    const checkpoints = new Collector<Position>();
    const filter = streamNameFilter({
      prefixes: [freshStream('nobody')],
      maxSearchWindow: 5,
      checkpointInterval: 2,
      checkpointReached: async (_subscription: unknown, position: Position) => {
        checkpoints.take(position);
      },
    });
    const subscription = store.client.subscribeToAll({ fromPosition: END, filter });
    subscription.on('data', () => undefined);
    await caughtUp(subscription);
    const { position } = await store.client.appendToStream(freshStream('noise'), someEvents(50));
    const reached = await checkpoints.atLeast(4);
    expect(reached.at(-1)!.commit).toBeLessThanOrEqual(position!.commit);
    await subscription.unsubscribe();
  });
});
