import {
  BACKWARDS,
  END,
  FORWARDS,
  jsonEvent,
  START,
  StreamNotFoundError,
  type Position,
  type ReadStreamOptions,
} from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { all, freshStream, openStore, someEvents, type StoreUnderTest } from './store-under-test.js';

let store: StoreUnderTest;
const stream = freshStream('read');
const positions: Position[] = [];
beforeAll(async () => {
  store = await openStore();
  for (let number = 0; number < 10; number += 1) {
    const { position } = await store.client.appendToStream(stream, someEvents(1, 'Numbered', number));
    positions.push(position!);
  }
});
afterAll(() => store.close());

describe('reading a stream', () => {
  it.each<[string, ReadStreamOptions, number[]]>([
    ['from the start', { direction: FORWARDS, fromRevision: START, maxCount: 3 }, [0, 1, 2]],
    ['from a revision', { direction: FORWARDS, fromRevision: 8n }, [8, 9]],
    ['from behind its end', { direction: FORWARDS, fromRevision: 10n }, []],
    ['backwards from its end', { direction: BACKWARDS, fromRevision: END, maxCount: 2 }, [9, 8]],
    ['backwards from a revision', { direction: BACKWARDS, fromRevision: 1n }, [1, 0]],
    ['backwards from behind its end', { direction: BACKWARDS, fromRevision: 99n, maxCount: 1 }, [9]],
  ])('%s', async (_, options, revisions) => {
    const found = await all(store.client.readStream(stream, options));
    expect(found.map(({ event }) => Number(event!.revision))).toEqual(revisions);
  });

  it('says so when there is none', async () => {
    await expect(all(store.client.readStream(freshStream('none')))).rejects.toBeInstanceOf(StreamNotFoundError);
  });

  it('gives thousands of events in order', async () => {
    const long = freshStream('long');
    for (let batch = 0; batch < 10; batch += 1)
      await store.client.appendToStream(long, someEvents(500, 'N', batch * 500));
    const found = await all(store.client.readStream(long));
    expect(found.map(({ event }) => (event!.data as { number: number }).number)).toEqual(
      Array.from({ length: 5_000 }, (_, number) => number),
    );
  });
});

describe('reading $all', () => {
  it('includes the event at the position when it goes forwards', async () => {
    const found = await all(store.client.readAll({ fromPosition: positions[4]!, maxCount: 200 }));
    const own = found.filter(({ event }) => event?.streamId === stream);
    expect(own.map(({ event }) => Number(event!.revision))).toEqual([4, 5, 6, 7, 8, 9]);
  });

  it('goes backwards from the end through everything', async () => {
    const found = await all(store.client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 50_000 }));
    const own = found.filter(({ event }) => event?.streamId === stream);
    expect(own.map(({ event }) => Number(event!.revision))).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    const commits = found.map(({ event }) => event!.position.commit);
    expect(commits).toEqual([...commits].sort((a, b) => (a > b ? -1 : 1)));
  });

  it('begins with events of the server itself, which name it as theirs', async () => {
    const found = await all(store.client.readAll({ maxCount: 2 }));
    expect(found.map(({ event }) => event!.streamId)).toEqual([
      expect.stringMatching(/^\$/),
      expect.stringMatching(/^\$/),
    ]);
    for (const { event } of found) expect(event!.type).toMatch(/^\$/);
  });

  it('shows what the metadata of a stream hides', async () => {
    const hidden = freshStream('hidden');
    const { position } = await store.client.appendToStream(hidden, someEvents(3));
    await store.client.setStreamMetadata(hidden, { maxCount: 1 });
    expect(await all(store.client.readStream(hidden))).toHaveLength(1);
    const found = await all(store.client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 200 }));
    expect(found.filter(({ event }) => event?.streamId === hidden)).toHaveLength(3);
    expect(position).toBeDefined();
  });
});

describe('links', () => {
  it('lead to their event, or to nothing when it is gone', async () => {
    const links = freshStream('links');
    const gone = freshStream('gone');
    await store.client.appendToStream(gone, someEvents(1));
    const link = (data: string) => jsonEvent({ type: '$>', data: data as unknown as Record<string, string> });
    const raw = (target: string) => ({
      ...link(''),
      contentType: 'application/octet-stream' as const,
      data: Buffer.from(target),
    });
    await store.client.appendToStream(links, [raw(`3@${stream}`), raw(`0@${gone}`)]);
    await store.client.deleteStream(gone);
    const found = await all(store.client.readStream(links, { resolveLinkTos: true }));
    expect(found.map(({ event, link: via }) => [event?.streamId, Number(via?.revision)])).toEqual([
      [stream, 0],
      [undefined, 1],
    ]);
    expect(found[0]!.event!.revision).toBe(3n);
    const plain = await all(store.client.readStream(links));
    expect(plain.map(({ event }) => event!.type)).toEqual(['$>', '$>']);
  });
});
