import { mkdtempSync, rmSync } from 'node:fs';
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NodeProcess } from '../contract/event-store/node-process.js';
import { SeededRandom } from '../contract/event-store/seeded-random.js';

const SEED = Number(process.env['HOSTILE_SEED'] ?? 11);
const MEMORY_LIMIT_BYTES = 500 * 1024 * 1024;
const METHODS = [
  '/event_store.client.streams.Streams/Read',
  '/event_store.client.streams.Streams/Append',
  '/event_store.client.streams.Streams/BatchAppend',
  '/event_store.client.streams.Streams/Delete',
  '/event_store.client.streams.Streams/Tombstone',
  '/event_store.client.persistent_subscriptions.PersistentSubscriptions/Create',
  '/event_store.client.persistent_subscriptions.PersistentSubscriptions/Read',
  '/event_store.client.persistent_subscriptions.PersistentSubscriptions/List',
  '/event_store.client.persistent_subscriptions.PersistentSubscriptions/GetInfo',
  '/event_store.client.gossip.Gossip/Read',
];

let folder: string;
let node: NodeProcess;
let client: EventStoreDBClient;
const sessions: ClientHttp2Session[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'event-node-hostile-'));
  node = await NodeProcess.start(join(folder, 'data'));
  client = EventStoreDBClient.connectionString(node.url);
  for (let index = 0; index < 40; index += 1) {
    await client.appendToStream('large', [jsonEvent({ type: 'Large', data: 'x'.repeat(900_000) })]);
  }
});
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
});
afterAll(async () => {
  await client.dispose();
  await node.stop();
  rmSync(folder, { recursive: true, force: true });
});

function session(): ClientHttp2Session {
  const opened = connect(`http://127.0.0.1:${node.port}`);
  opened.on('error', () => undefined);
  sessions.push(opened);
  return opened;
}

function call(over: ClientHttp2Session, path: string): ClientHttp2Stream {
  const stream = over.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => undefined);
  return stream;
}

/** A message as gRPC frames it. */
function framed(content: Buffer, declaredBytes = content.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(declaredBytes, 1);
  return Buffer.concat([head, content]);
}

/** A read of the stream "large" without limit, or a subscription to it. */
function readEverything(subscription = false): Buffer {
  const { ReadReq } = streams;
  const options = new ReadReq.Options();
  const from = new ReadReq.Options.StreamOptions();
  from.setStreamIdentifier(largeStream());
  from.setStart(new shared.Empty());
  options.setStream(from);
  if (subscription) options.setSubscription(new ReadReq.Options.SubscriptionOptions());
  else options.setCount('9223372036854775807');
  options.setNoFilter(new shared.Empty());
  const uuid = new ReadReq.Options.UUIDOption();
  uuid.setString(new shared.Empty());
  options.setUuidOption(uuid);
  const request = new ReadReq();
  request.setOptions(options);
  return Buffer.from(request.serializeBinary());
}

function oneBatch(): Buffer {
  const { BatchAppendReq } = streams;
  const id = new shared.UUID();
  id.setString('00000000-0000-4000-8000-000000000001');
  const event = new BatchAppendReq.ProposedMessage();
  event.setId(id);
  event.getMetadataMap().set('type', 'Nearly').set('content-type', 'application/json');
  event.setData(Buffer.from('{}'));
  const options = new BatchAppendReq.Options();
  options.setStreamIdentifier(largeStream());
  options.setAny(new empty.Empty());
  const request = new BatchAppendReq();
  request.setCorrelationId(id);
  request.setOptions(options);
  request.addProposedMessages(event);
  request.setIsFinal(true);
  return Buffer.from(request.serializeBinary());
}

function largeStream(): InstanceType<typeof shared.StreamIdentifier> {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from('large'));
  return identifier;
}

/** What everybody else still gets while somebody misbehaves. */
async function expectService(): Promise<void> {
  expect(node.running, node.output).toBe(true);
  const startedMs = performance.now();
  const stream = `served-${Math.random()}`;
  await client.appendToStream(stream, [jsonEvent({ type: 'Fine', data: {} })]);
  let found = 0;
  for await (const _ of client.readStream(stream)) found += 1;
  expect(found).toBe(1);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect(node.memory('VmRSS')).toBeLessThan(MEMORY_LIMIT_BYTES);
}

const ended = (stream: ClientHttp2Stream, limitMs: number): Promise<void> =>
  Promise.race([new Promise<void>((resolve) => stream.on('close', resolve)), pause(limitMs)]);

describe('the event node must stay up and serve others', () => {
  it(`when it gets random bytes as messages (seed ${SEED})`, async () => {
    const random = new SeededRandom(SEED);
    const over = session();
    const calls = Array.from({ length: 600 }, () => {
      const bytes = Buffer.from(Array.from({ length: random.between(0, 200) }, () => random.between(0, 255)));
      const stream = call(over, random.pick(METHODS));
      stream.resume();
      const lies = random.next() < 0.1 ? random.between(0, 300) : bytes.length;
      stream.end(framed(bytes, lies));
      return ended(stream, 500);
    });
    await Promise.all(calls);
    await expectService();
  });

  it(`when it gets messages that are nearly right (seed ${SEED})`, async () => {
    const random = new SeededRandom(SEED + 1);
    const over = session();
    const samples = [
      [METHODS[0]!, readEverything()],
      [METHODS[2]!, oneBatch()],
    ] as const;
    const calls = Array.from({ length: 600 }, () => {
      const [path, sample] = random.pick(samples);
      const bytes = Buffer.from(sample);
      for (let flips = random.between(1, 3); flips > 0; flips -= 1) {
        bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
      }
      const stream = call(over, path);
      stream.resume();
      stream.end(framed(bytes.subarray(0, random.between(1, bytes.length))));
      return ended(stream, 500);
    });
    await Promise.all(calls);
    await expectService();
  });

  it('when messages are as large as they may be, larger, or announce 4 GiB', async () => {
    const over = session();
    const calls = [16, 16, 18, 32].map((megabytes) => {
      const stream = call(over, METHODS[2]!);
      stream.resume();
      stream.write(framed(Buffer.alloc(megabytes * 1024 * 1024, 0x0a)));
      return ended(stream, 3_000);
    });
    const announced = call(over, METHODS[2]!);
    announced.write(framed(Buffer.from([1]), 0xffffffff));
    await Promise.all(calls);
    await expectService();
  });

  it('when hundreds of large messages begin and never end', { timeout: 120_000 }, async () => {
    const over = session();
    const part = framed(Buffer.alloc(8 * 1024 * 1024), 16 * 1024 * 1024);
    for (let index = 0; index < 200; index += 1) {
      const stream = call(over, METHODS[index % METHODS.length]!);
      stream.resume();
      await Promise.race([new Promise((resolve) => stream.write(part, resolve)), pause(300)]);
      if (index % 10 === 0) await expectService();
    }
    await expectService();
  });

  it('when 10,000 calls are open', { timeout: 120_000 }, async () => {
    const over = session();
    const subscribe = framed(readEverything(true));
    for (let index = 0; index < 10_000; index += 1) {
      const stream = call(over, index % 4 === 0 ? METHODS[0]! : index % 2 === 0 ? METHODS[2]! : METHODS[6]!);
      stream.write(index % 4 === 0 ? subscribe : Buffer.from([0, 0, 0, 1]));
      if (index % 500 === 0) await pause(10);
    }
    await expectService();
  });

  it('when clients ask for everything and never read', async () => {
    for (let index = 0; index < 20; index += 1) {
      const over = connect(`http://127.0.0.1:${node.port}`, { settings: { initialWindowSize: 1_000_000 } });
      over.on('error', () => undefined);
      sessions.push(over);
      const stream = call(over, METHODS[0]!);
      stream.end(framed(readEverything()));
      stream.pause();
    }
    await pause(1_000);
    await expectService();
  });

  it('when a pattern would take for ever', async () => {
    await client.appendToStream(`${'a'.repeat(60)}!`, [jsonEvent({ type: 'Bait', data: {} })]);
    const subscription = client.subscribeToAll({
      filter: { filterOn: 'streamName', regex: '^(a+)+$', maxSearchWindow: 32, checkpointInterval: 1 },
    });
    subscription.on('error', () => undefined);
    subscription.on('data', () => undefined);
    await expectService();
    await subscription.unsubscribe();
  });
});
