import {
  ANY,
  NO_STREAM,
  STREAM_EXISTS,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { all, freshStream, openStore, someEvents, type StoreUnderTest } from './store-under-test.js';

let store: StoreUnderTest;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.close());

const revisions = async (stream: string): Promise<number[]> =>
  (await all(store.client.readStream(stream))).map(({ event }) => Number(event!.revision));

async function streamOf(count: number): Promise<string> {
  const stream = freshStream('life');
  await store.client.appendToStream(stream, someEvents(count), { expectedRevision: NO_STREAM });
  return stream;
}

describe('stream metadata', () => {
  it('comes back as it was set, with what only its owner understands', async () => {
    const stream = await streamOf(1);
    const metadata = { maxCount: 10, maxAge: 3_600, truncateBefore: 0, cacheControl: 60, own: 'value' };
    await store.client.setStreamMetadata(stream, metadata, { expectedRevision: NO_STREAM });
    const read = await store.client.getStreamMetadata(stream);
    expect(read.metadata).toMatchObject(metadata);
  });

  it('is nothing for a stream that has none', async () => {
    expect((await store.client.getStreamMetadata(freshStream('bare'))).metadata).toBeUndefined();
  });

  it('is guarded by its own revision', async () => {
    const stream = await streamOf(1);
    await store.client.setStreamMetadata(stream, { maxCount: 5 });
    const late = store.client.setStreamMetadata(stream, { maxCount: 6 }, { expectedRevision: NO_STREAM });
    await expect(late).rejects.toBeInstanceOf(WrongExpectedVersionError);
  });

  it('keeps the newest events only', async () => {
    const stream = await streamOf(6);
    await store.client.setStreamMetadata(stream, { maxCount: 2 });
    expect(await revisions(stream)).toEqual([4, 5]);
    await store.client.appendToStream(stream, someEvents(1));
    expect(await revisions(stream)).toEqual([5, 6]);
    await store.client.setStreamMetadata(stream, {});
    expect(await revisions(stream)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('cuts off what lies before a revision', async () => {
    const stream = await streamOf(5);
    await store.client.setStreamMetadata(stream, { truncateBefore: 3 });
    expect(await revisions(stream)).toEqual([3, 4]);
  });
});

describe('deleting a stream', () => {
  it('hides its events, and lets it begin again behind them', async () => {
    const stream = await streamOf(2);
    await store.client.deleteStream(stream, { expectedRevision: 1n });
    await expect(revisions(stream)).rejects.toBeInstanceOf(StreamNotFoundError);
    await store.client.appendToStream(stream, someEvents(2), { expectedRevision: NO_STREAM });
    expect(await revisions(stream)).toEqual([2, 3]);
  });

  it('is refused at another revision, and when there is nothing', async () => {
    const stream = await streamOf(2);
    await expect(store.client.deleteStream(stream, { expectedRevision: 0n })).rejects.toBeInstanceOf(
      WrongExpectedVersionError,
    );
    await expect(store.client.deleteStream(freshStream('none'))).rejects.toBeInstanceOf(WrongExpectedVersionError);
  });

  it('makes "stream exists" untrue', async () => {
    const stream = await streamOf(1);
    await store.client.deleteStream(stream);
    const append = store.client.appendToStream(stream, someEvents(1), { expectedRevision: STREAM_EXISTS });
    await expect(append).rejects.toBeInstanceOf(StreamDeletedError);
  });
});

describe('deleting a stream that has metadata and no events', () => {
  async function metadataOnly(): Promise<string> {
    const stream = freshStream('bare');
    await store.client.setStreamMetadata(stream, { cacheControl: 10 });
    return stream;
  }

  it.each([
    ['no stream', NO_STREAM],
    ['any revision', ANY],
  ] as const)('succeeds where %s is expected', async (_, expectedRevision) => {
    const stream = await metadataOnly();
    const before = await store.client.getStreamMetadata(stream);
    const { position } = await store.client.deleteStream(stream, { expectedRevision });
    expect(position!.commit).toBeGreaterThan(0n);
    await expect(revisions(stream)).rejects.toBeInstanceOf(StreamNotFoundError);
    const { metadata, metastreamRevision } = await store.client.getStreamMetadata(stream);
    expect(metadata).not.toHaveProperty('cacheControl');
    expect(metastreamRevision).toBe(before.metastreamRevision! + 1n);
  });

  it('is refused at a revision it never reached', async () => {
    const deletion = store.client.deleteStream(await metadataOnly(), { expectedRevision: 0n });
    await expect(deletion).rejects.toBeInstanceOf(WrongExpectedVersionError);
  });

  it('lets the stream begin at revision 0', async () => {
    const stream = await metadataOnly();
    await store.client.deleteStream(stream, { expectedRevision: NO_STREAM });
    const exists = store.client.appendToStream(stream, someEvents(1), { expectedRevision: STREAM_EXISTS });
    await expect(exists).rejects.toBeInstanceOf(StreamDeletedError);
    await store.client.appendToStream(stream, someEvents(2), { expectedRevision: NO_STREAM });
    expect(await revisions(stream)).toEqual([0, 1]);
  });
});

describe('a tombstone', () => {
  it('ends a stream for ever, to readers and writers', async () => {
    const stream = await streamOf(2);
    await store.client.tombstoneStream(stream, { expectedRevision: ANY });
    await expect(revisions(stream)).rejects.toBeInstanceOf(StreamDeletedError);
    await expect(store.client.appendToStream(stream, someEvents(1))).rejects.toBeInstanceOf(StreamDeletedError);
    await expect(store.client.deleteStream(stream)).rejects.toBeInstanceOf(StreamDeletedError);
  });

  it('ends subscriptions to the stream', async () => {
    const stream = await streamOf(1);
    const subscription = store.client.subscribeToStream(stream);
    subscription.on('data', () => undefined);
    const ending = new Promise((resolve) => subscription.on('error', resolve));
    await new Promise<void>((resolve) => subscription.on('caughtUp', () => resolve()));
    await store.client.tombstoneStream(stream);
    expect(await ending).toBeInstanceOf(StreamDeletedError);
  });
});
