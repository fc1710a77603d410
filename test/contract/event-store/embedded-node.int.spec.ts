import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, status, type ServiceError } from '@grpc/grpc-js';
import streams, { type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import {
  EventStoreDBClient,
  persistentSubscriptionToStreamSettingsFromDefaults,
  START,
  UnavailableError,
  type PersistentSubscriptionToStreamResolvedEvent,
} from '@eventstore/db-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEventStoreNode, type EventStoreNode } from '#libs/eventstore-node';
import { buildMessage, type MessageClass } from './raw-messages.js';
import { all, Collector, someEvents } from './store-under-test.js';

/** What only the embedded node promises, or what needs it to be stopped: no other server can be used here. */
let folder: string;
let node: EventStoreNode;
let client: EventStoreDBClient;

async function start(port = 0, slowSubscribers: 'fall-behind' | 'abort' = 'fall-behind'): Promise<void> {
  node = await startEventStoreNode({ dataFolder: join(folder, 'data'), port, slowSubscribers });
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

  it('says once, in the first events of its log, what it is', async () => {
    const before = await all(client.readAll());
    expect(before.map(({ event }) => [event!.streamId, event!.type])).toEqual([
      ['$$$embedded-node', '$metadata'],
      ['$embedded-node', '$embeddedNodeCreated'],
      ['$embedded-node', '$embeddedNodeProtocol'],
    ]);
    await stop();
    await start();
    expect((await all(client.readAll())).map(({ event }) => event!.id)).toEqual(before.map(({ event }) => event!.id));
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
});

describe('a node that stops', () => {
  /** The node waits two seconds for calls to end; the rest is a slow machine. */
  const BOUND_MS = 4_000;

  async function closed(): Promise<number> {
    const startedMs = performance.now();
    await node.close();
    return performance.now() - startedMs;
  }

  it('refuses at once, with UNAVAILABLE, an append that its caller has not finished', async () => {
    const raw = new streamsGrpc.StreamsClient(`127.0.0.1:${node.port}`, credentials.createInsecure());
    const refusal = new Promise<ServiceError | null>((resolve) => {
      const call = raw.append((error) => resolve(error));
      const request = { options: { streamIdentifier: 'unfinished', any: {} } };
      const message = buildMessage(streams.AppendReq as unknown as MessageClass, request);
      call.write(streams.AppendReq.deserializeBinary(message.serializeBinary()));
    });
    // Calls of one connection arrive in their order: when this is answered, the append has begun.
    await new Promise((resolve) =>
      raw
        .read(subscription('other'))
        .once('data', resolve)
        .on('error', () => undefined),
    );
    expect(await closed()).toBeLessThan(1_500);
    expect(await refusal).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringMatching(/shutting down/) });
    raw.close();
  });

  it('ends with UNAVAILABLE the read of somebody who does not read', async () => {
    for (let round = 0; round < 15; round += 1) await client.appendToStream('unread', large(2, 400_000));
    const raw = new streamsGrpc.StreamsClient(`127.0.0.1:${node.port}`, credentials.createInsecure());
    const call = raw.read(subscription('unread'));
    const ending = new Promise<ServiceError>((resolve) => call.on('error', resolve));
    await new Promise((resolve) => call.once('data', resolve));
    call.pause();
    // The client holds as many messages as it takes unread; the next ones are on their way.
    await expect.poll(() => call.readableLength).toBeGreaterThanOrEqual(call.readableHighWaterMark);
    await client.appendToStream('other', someEvents(1));
    expect(await closed()).toBeLessThan(BOUND_MS);
    expect(await ending).toMatchObject({ code: status.UNAVAILABLE });
    raw.close();
  });

  it('waits no longer than it may for a client that neither ends its call nor closes its connection', async () => {
    const session = connect(`http://127.0.0.1:${node.port}`);
    const ended = new Promise((resolve) => session.on('close', resolve));
    session.on('error', () => undefined);
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    const stream = session.request(
      {
        ':method': 'POST',
        ':path': '/event_store.client.streams.Streams/Append',
        'content-type': 'application/grpc',
        te: 'trailers',
      },
      { endStream: false },
    );
    stream.on('error', () => undefined);
    await new Promise((resolve) => session.ping((_, __, payload) => resolve(payload)));
    expect(await closed()).toBeLessThan(BOUND_MS);
    await ended;
  });
});

describe('a stream that has metadata and no events', () => {
  // The client cannot send this expectation in a delete.
  it('counts as existing when it is deleted', async () => {
    await client.setStreamMetadata('bare', { cacheControl: 10 });
    const raw = new streamsGrpc.StreamsClient(`127.0.0.1:${node.port}`, credentials.createInsecure());
    const remove = (streamIdentifier: string): Promise<ServiceError | null> => {
      const request = { options: { streamIdentifier, streamExists: {} } };
      const message = buildMessage(streams.DeleteReq as unknown as MessageClass, request);
      return new Promise((resolve) => {
        raw.delete(streams.DeleteReq.deserializeBinary(message.serializeBinary()), (error) => resolve(error));
      });
    };
    expect(await remove('bare')).toBeNull();
    expect(await remove('bare')).toMatchObject({ details: expect.stringMatching(/is deleted/) });
    expect(await remove('missing')).toMatchObject({ details: expect.stringMatching(/WrongExpectedVersion/) });
    raw.close();
  });
});

describe('a live subscriber that stops reading', () => {
  /** Subscribes, stops reading when it has caught up, and reads on after `events` were appended. */
  async function subscribeAndStall(
    events: number,
  ): Promise<{ kinds: Collector<string>; ended: Promise<ServiceError> }> {
    await client.appendToStream('flood', large(1, 60_000));
    const raw = new streamsGrpc.StreamsClient(`127.0.0.1:${node.port}`, credentials.createInsecure());
    const call = raw.read(subscription('flood'));
    const kinds = new Collector<string>();
    const ended = new Promise<ServiceError>((resolve) => call.on('error', resolve));
    call.on('data', (response: ReadResp) => {
      kinds.take(kindOf(response));
      if (response.hasCaughtUp() && kinds.items.length === 3) call.pause();
    });
    await kinds.atLeast(3);
    for (let written = 0; written < events; written += 1) await client.appendToStream('flood', large(1, 60_000));
    call.resume();
    return { kinds, ended };
  }

  it('is told that it fell behind, gets everything, and is told that it caught up', async () => {
    const { kinds } = await subscribeAndStall(200);
    const items = await kinds.atLeast(3 + 200 + 2);
    expect(items.slice(0, 3)).toEqual(['confirmation', 'event', 'caught up']);
    expect(items.filter((kind) => kind === 'event')).toHaveLength(201);
    expect(items.filter((kind) => kind === 'fell behind').length).toBeGreaterThan(0);
    expect(items.at(-1)).toBe('caught up');
  });

  it('is dropped with ABORTED when the node is told to do that', async () => {
    await stop();
    await start(0, 'abort');
    const { ended } = await subscribeAndStall(200);
    expect(await ended).toMatchObject({ code: status.ABORTED, details: expect.stringMatching(/too slow/) });
  });
});

const large = (count: number, bytes: number) =>
  someEvents(count).map((event) => ({ ...event, data: { filler: 'x'.repeat(bytes) } }));

function kindOf(response: ReadResp): string {
  if (response.hasConfirmation()) return 'confirmation';
  if (response.hasEvent()) return 'event';
  if (response.hasCaughtUp()) return 'caught up';
  return response.hasFellBehind() ? 'fell behind' : 'something else';
}

function subscription(stream: string): InstanceType<typeof streams.ReadReq> {
  const request = {
    options: {
      stream: { streamIdentifier: stream, start: {} },
      subscription: {},
      noFilter: {},
      uuidOption: { string: {} },
    },
  };
  const message = buildMessage(streams.ReadReq as unknown as MessageClass, request);
  return streams.ReadReq.deserializeBinary(message.serializeBinary());
}
