import { randomUUID } from 'node:crypto';
import {
  ANY,
  binaryEvent,
  jsonEvent,
  NO_STREAM,
  STREAM_EXISTS,
  WrongExpectedVersionError,
  type AppendExpectedRevision,
} from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { all, freshStream, openStore, someEvents, type StoreUnderTest } from './store-under-test.js';

let store: StoreUnderTest;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.close());

const append = (
  stream: string,
  events: ReturnType<typeof someEvents>,
  expectedRevision: AppendExpectedRevision = ANY,
) => store.client.appendToStream(stream, events, { expectedRevision });

describe('appending with an expected revision', () => {
  it('begins a stream at revision 0 and counts on', async () => {
    const stream = freshStream('append');
    expect((await append(stream, someEvents(2), NO_STREAM)).nextExpectedRevision).toBe(1n);
    expect((await append(stream, someEvents(3), 1n)).nextExpectedRevision).toBe(4n);
    expect((await append(stream, someEvents(1), STREAM_EXISTS)).nextExpectedRevision).toBe(5n);
    expect((await append(stream, someEvents(1), ANY)).nextExpectedRevision).toBe(6n);
  });

  it.each([
    ['no stream', NO_STREAM, 1n],
    ['an older revision', 0n, 1n],
    ['a revision not reached', 7n, 1n],
  ] as const)('refuses %s when the stream is elsewhere', async (_, expected, actual) => {
    const stream = freshStream('append');
    await append(stream, someEvents(2), NO_STREAM);
    const refusal = await append(stream, someEvents(1), expected).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(WrongExpectedVersionError);
    expect(refusal).toMatchObject({ streamName: stream, actualVersion: actual });
    expect(await all(store.client.readStream(stream))).toHaveLength(2);
  });

  it('refuses "stream exists" when there is none', async () => {
    const refusal = append(freshStream('append'), someEvents(1), STREAM_EXISTS);
    await expect(refusal).rejects.toBeInstanceOf(WrongExpectedVersionError);
  });

  it('takes all events of an append or none', async () => {
    const stream = freshStream('append');
    await append(stream, someEvents(1), NO_STREAM);
    await expect(append(stream, someEvents(50), 5n)).rejects.toBeInstanceOf(WrongExpectedVersionError);
    expect(await all(store.client.readStream(stream))).toHaveLength(1);
  });
});

describe('repeating an append', () => {
  it.each([
    ['an exact revision', NO_STREAM],
    ['any revision', ANY],
  ] as const)('with %s answers as the first time and writes nothing', async (_, expected) => {
    const stream = freshStream('repeat');
    const events = someEvents(3);
    const first = await append(stream, events, expected);
    const again = await append(stream, events, expected);
    expect(again).toMatchObject({ nextExpectedRevision: first.nextExpectedRevision, position: first.position });
    expect(await all(store.client.readStream(stream))).toHaveLength(3);
  });

  it('still answers when others have written since', async () => {
    const stream = freshStream('repeat');
    const events = someEvents(2);
    const first = await append(stream, events, NO_STREAM);
    await append(stream, someEvents(2), 1n);
    expect((await append(stream, events, NO_STREAM)).position).toEqual(first.position);
  });

  it('is a conflict when the events are not the same ones', async () => {
    const stream = freshStream('repeat');
    const [one, two] = someEvents(2);
    await append(stream, [one!, two!], NO_STREAM);
    await expect(append(stream, [one!, ...someEvents(1)], NO_STREAM)).rejects.toBeInstanceOf(WrongExpectedVersionError);
    await expect(append(stream, [one!, two!, ...someEvents(1)], NO_STREAM)).rejects.toBeInstanceOf(
      WrongExpectedVersionError,
    );
  });
});

describe('what was appended', () => {
  it('comes back byte by byte, JSON and binary, with metadata, id and type', async () => {
    const stream = freshStream('content');
    const ids = [randomUUID(), randomUUID()];
    const bytes = Buffer.from([0, 1, 2, 255]);
    await store.client.appendToStream(stream, [
      jsonEvent({ id: ids[0]!, type: 'Größe', data: { text: 'äöü €' }, metadata: { $correlationId: 'c-1' } }),
      binaryEvent({ id: ids[1]!, type: 'Blob', data: bytes, metadata: bytes }),
    ]);
    const [json, binary] = (await all(store.client.readStream(stream))).map(({ event }) => event!);
    expect(json).toMatchObject({
      id: ids[0],
      type: 'Größe',
      isJson: true,
      streamId: stream,
      revision: 0n,
      data: { text: 'äöü €' },
      metadata: { $correlationId: 'c-1' },
    });
    expect(binary).toMatchObject({ id: ids[1], type: 'Blob', isJson: false, revision: 1n });
    expect(Buffer.from(binary!.data as Uint8Array)).toEqual(bytes);
    expect(Buffer.from(binary!.metadata as Uint8Array)).toEqual(bytes);
    expect(Math.abs(json!.created.getTime() - Date.now())).toBeLessThan(60_000);
  });

  it('keeps the order when many append at once', async () => {
    const stream = freshStream('concurrent');
    const results = await Promise.all(someEvents(200).map((event) => append(stream, [event])));
    const byRevision = new Map(results.map((result, index) => [result.nextExpectedRevision, index]));
    expect(byRevision.size).toBe(200);
    const read = await all(store.client.readStream(stream));
    expect(read.map(({ event }) => event!.revision)).toEqual(results.map((_, index) => BigInt(index)));
    for (const { event } of read) expect(event!.data).toEqual({ number: byRevision.get(event!.revision) });
    const positions = read.map(({ event }) => event!.position!.commit);
    expect(positions).toEqual([...positions].sort((a, b) => (a < b ? -1 : 1)));
  });

  it('lets one of many win with the same exact revision', async () => {
    const stream = freshStream('race');
    const outcomes = await Promise.allSettled(someEvents(20).map((event) => append(stream, [event], NO_STREAM)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await all(store.client.readStream(stream))).toHaveLength(1);
  });
});
