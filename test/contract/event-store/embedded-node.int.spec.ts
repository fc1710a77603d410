import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  EventStoreDBClient,
  persistentSubscriptionToStreamSettingsFromDefaults,
  START,
  UnavailableError,
  type PersistentSubscriptionToStreamResolvedEvent,
} from '@eventstore/db-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEventStoreNode, type EventStoreNode } from '#libs/eventstore-node';
import { all, Collector, someEvents } from './store-under-test.js';

/** What only the embedded node promises, or what needs it to be stopped: no other server can be used here. */
let folder: string;
let node: EventStoreNode;
let client: EventStoreDBClient;

async function start(port = 0): Promise<void> {
  node = await startEventStoreNode({ dataFolder: join(folder, 'data'), port });
  client = EventStoreDBClient.connectionString(`esdb://127.0.0.1:${node.port}?tls=false`);
}
async function stop(): Promise<void> {
  await client.dispose();
  await node.close();
}
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'embedded-node-'));
  await start();
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('the embedded node', () => {
  it('remembers everything when it is started again, positions included', async () => {
    await client.appendToStream('kept', someEvents(5));
    await client.setStreamMetadata('kept', { maxCount: 3 });
    const before = await all(client.readStream('kept'));
    await stop();
    await start();
    const after = await all(client.readStream('kept'));
    expect(after.map(({ event }) => [event!.id, event!.revision, event!.position])).toEqual(
      before.map(({ event }) => [event!.id, event!.revision, event!.position]),
    );
    expect(after).toHaveLength(3);
  });

  it('never issues a position twice, not even one of an append of nothing', async () => {
    const { position } = await client.appendToStream('empty', []);
    await stop();
    await start();
    const next = await client.appendToStream('next', someEvents(1));
    expect(next.position!.commit).toBeGreaterThan(position!.commit);
  });

  it('knows a repeat without an exact revision across a restart', async () => {
    const events = someEvents(2);
    const first = await client.appendToStream('repeat', events);
    await stop();
    await start();
    expect((await client.appendToStream('repeat', events)).position).toEqual(first.position);
    expect(await all(client.readStream('repeat'))).toHaveLength(2);
  });

  it('keeps groups, their checkpoint and their parked messages across a restart', async () => {
    await client.appendToStream('work', someEvents(4));
    const settings = persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: START, checkPointUpperBound: 1 });
    await client.createPersistentSubscriptionToStream('work', 'g', settings);
    const got = new Collector<PersistentSubscriptionToStreamResolvedEvent>();
    const consumer = client.subscribeToPersistentSubscriptionToStream('work', 'g').on('data', got.take);
    const [first, second] = await got.atLeast(4);
    await consumer.ack(first!);
    await consumer.nack('park', 'not today', second!);
    await expect
      .poll(async () => (await client.getPersistentSubscriptionToStreamInfo('work', 'g')).stats)
      .toMatchObject({ parkedMessageCount: 1n, lastCheckpointedEventRevision: 1n });
    await consumer.unsubscribe();
    await stop();
    await start();
    const { stats } = await client.getPersistentSubscriptionToStreamInfo('work', 'g');
    expect(stats.parkedMessageCount).toBe(1n);
    const again = new Collector<PersistentSubscriptionToStreamResolvedEvent>();
    const next = client.subscribeToPersistentSubscriptionToStream('work', 'g').on('data', again.take);
    expect((await again.atLeast(2)).map(({ event }) => event!.revision)).toEqual([2n, 3n]);
    await next.unsubscribe();
  });

  it('ends subscriptions with UNAVAILABLE when it stops', async () => {
    const subscription = client.subscribeToAll();
    subscription.on('data', () => undefined);
    const ending = new Promise((resolve) => subscription.on('error', resolve));
    await new Promise<void>((resolve) => subscription.on('caughtUp', () => resolve()));
    await node.close();
    expect(await ending).toBeInstanceOf(UnavailableError);
  });

  it('is found by clients that ask a cluster for its leader', async () => {
    const seeker = EventStoreDBClient.connectionString(
      `esdb://127.0.0.1:${node.port},127.0.0.1:${node.port}?tls=false&discoveryInterval=10`,
    );
    await seeker.appendToStream('found', someEvents(1));
    expect(await all(client.readStream('found'))).toHaveLength(1);
    await seeker.dispose();
  });

  it('drops a subscriber that is too slow when it is told to, else lets it fall behind and catch up', async () => {
    const events = someEvents(1).map((event) => ({ ...event, data: { filler: 'x'.repeat(60_000) } }));
    const subscription = client.subscribeToStream('flood', { fromRevision: START });
    const told: string[] = [];
    let received = 0;
    subscription.on('fellBehind' as 'caughtUp', () => told.push('fell behind'));
    subscription.on('caughtUp', () => told.push('caught up'));
    await client.appendToStream('flood', events);
    subscription.on('data', () => {
      received += 1;
    });
    await expect.poll(() => told).toEqual(['caught up']);
    subscription.pause();
    for (let round = 0; round < 20; round += 1) {
      await client.appendToStream(
        'flood',
        Array.from({ length: 10 }, () => ({ ...events[0]!, id: crypto.randomUUID() })),
      );
    }
    subscription.resume();
    await expect.poll(() => received, { timeout: 10_000 }).toBe(201);
    expect(told.at(-1)).toBe('caught up');
    await subscription.unsubscribe();
  });
});
