import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
  type PersistedEvent,
  RevisionConflict,
  type SubscriptionHandler,
} from '#libs/eventsourcing';
import { until } from '#libs/testing';

const someEvents = (count: number, first = 0): NewEvent[] =>
  Array.from({ length: count }, (_, index) => ({
    id: randomUUID(),
    storedType: 'contract.thing-happened.v1',
    data: { number: first + index, text: 'äöü €', nothing: null, list: [{ deep: true }] },
    metadata: {
      correlationId: randomUUID(),
      causationId: randomUUID(),
      commandId: randomUUID(),
      actor: 'service:contract',
      occurredAt: '2026-03-01T10:00:00.000Z',
      producer: 'contract',
    },
  }));

/** Collects what a subscription gives. */
class Listener implements SubscriptionHandler {
  readonly events: PersistedEvent[] = [];
  readonly checkpoints: bigint[] = [];
  caughtUp = 0;

  async onEvent(event: PersistedEvent): Promise<void> {
    this.events.push(event);
  }

  async onCheckpoint(position: bigint): Promise<void> {
    this.checkpoints.push(position);
  }

  onCaughtUp(): void {
    this.caughtUp += 1;
  }

  async has(count: number): Promise<readonly PersistedEvent[]> {
    await until(`${count} events`, () => this.events.length >= count);
    return this.events;
  }
}

/** What everything that stands on the kernel's EventStore port relies on; for the adapter and for the fake alike. */
export const describeEventStorePort = (
  adapter: string,
  open: () => { readonly store: EventStore; close(): Promise<void> },
): void => {
  describe(`the event store port, by ${adapter}`, () => {
    let opened: ReturnType<typeof open>;
    let store: EventStore;
    let prefix: string;
    let stream: string;
    beforeAll(() => {
      opened = open();
      store = opened.store;
    });
    afterAll(() => opened.close());
    const fresh = (): void => {
      prefix = `contract${randomUUID().slice(0, 8)}`;
      stream = `${prefix}-${randomUUID()}`;
    };
    const follow = async (handler: SubscriptionHandler, from: bigint | 'start' = 'start', prefixes = [prefix]) =>
      store.subscribe(prefixes, from, handler);

    describe('appending', () => {
      it('gives back what was appended, in order, with revisions that count from zero', async () => {
        fresh();
        const events = someEvents(3);
        const { revision, position } = await store.append(stream, 'no-stream', events);
        const read = await store.readStream(stream);
        expect(read).toMatchObject(
          events.map((event, index) => ({ ...event, streamName: stream, revision: BigInt(index) })),
        );
        expect({ revision, position }).toEqual({ revision: 2n, position: read[2]!.position });
      });

      it('goes on at the exact revision of the last event', async () => {
        fresh();
        await store.append(stream, 'no-stream', someEvents(2));
        expect(await store.append(stream, 1n, someEvents(1))).toMatchObject({ revision: 2n });
        expect(await store.readStream(stream)).toHaveLength(3);
      });

      it.each<[string, ExpectedRevision]>([
        ['no stream', 'no-stream'],
        ['an earlier revision', 0n],
        ['a later revision', 2n],
      ])('is a conflict, and records nothing, when %s is expected and not there', async (_what, expected) => {
        fresh();
        await store.append(stream, 'no-stream', someEvents(2));
        const refusal = await store.append(stream, expected, someEvents(2)).catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(RevisionConflict);
        expect(refusal).toMatchObject({ streamName: stream });
        expect(await store.readStream(stream)).toHaveLength(2);
      });

      it('is a conflict to go on with a stream that does not exist', async () => {
        fresh();
        await expect(store.append(stream, 0n, someEvents(1))).rejects.toBeInstanceOf(RevisionConflict);
        expect(await store.readStream(stream)).toEqual([]);
      });

      it('lets one of many win at the same revision', async () => {
        fresh();
        const tries = await Promise.allSettled(
          someEvents(10).map((event) => store.append(stream, 'no-stream', [event])),
        );
        expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        expect(await store.readStream(stream)).toHaveLength(1);
      });
    });

    describe('repeating an append', () => {
      it('answers as before and records nothing, also when others have written since', async () => {
        fresh();
        const events = someEvents(2);
        const before = await store.append(stream, 'no-stream', events);
        expect(await store.append(stream, 'no-stream', events)).toEqual(before);
        await store.append(stream, 1n, someEvents(2));
        expect(await store.append(stream, 'no-stream', events)).toEqual(before);
        expect(await store.readStream(stream)).toHaveLength(4);
      });

      it('is a conflict when it is not quite the same', async () => {
        fresh();
        const [first, second] = someEvents(2);
        await store.append(stream, 'no-stream', [first!, second!]);
        for (const other of [[first!, ...someEvents(1)], [first!, second!, ...someEvents(1)], [second!]]) {
          await expect(store.append(stream, 'no-stream', other)).rejects.toBeInstanceOf(RevisionConflict);
        }
        expect(await store.readStream(stream)).toHaveLength(2);
      });
    });

    describe('reading a stream', () => {
      it('gives nothing when there is none', async () => {
        fresh();
        expect(await store.readStream(stream)).toEqual([]);
      });

      it('begins with the revision that it is asked for', async () => {
        fresh();
        await store.append(stream, 'no-stream', someEvents(4));
        expect((await store.readStream(stream, 2n)).map(({ revision }) => revision)).toEqual([2n, 3n]);
        expect(await store.readStream(stream, 9n)).toEqual([]);
      });

      it('gives only the newest events once a maximum is set, and still counts them all', async () => {
        fresh();
        await store.append(stream, 'no-stream', someEvents(5));
        await store.setMaxCount(stream, 2);
        await store.setMaxCount(stream, 2);
        expect((await store.readStream(stream)).map(({ revision }) => revision)).toEqual([3n, 4n]);
        expect(await store.append(stream, 4n, someEvents(1))).toMatchObject({ revision: 5n });
        expect((await store.readStream(stream)).map(({ revision }) => revision)).toEqual([4n, 5n]);
      });

      it('sets a maximum before there is a stream', async () => {
        fresh();
        await store.setMaxCount(stream, 2);
        await store.append(stream, 'no-stream', someEvents(3));
        expect((await store.readStream(stream)).map(({ revision }) => revision)).toEqual([1n, 2n]);
      });
    });

    describe('subscribing', () => {
      it('gives the events of streams with one of the prefixes, and no others, in log order, then what comes', async () => {
        fresh();
        const other = `other${prefix}-1`;
        const third = `third${prefix}-1`;
        await store.append(stream, 'no-stream', someEvents(2));
        await store.append(other, 'no-stream', someEvents(2));
        await store.append(third, 'no-stream', someEvents(1));
        const listener = new Listener();
        const subscription = await follow(listener, 'start', [prefix, `third${prefix}-`]);
        await listener.has(3);
        await store.append(other, 1n, someEvents(1));
        await store.append(stream, 1n, someEvents(1));
        const events = await listener.has(4);
        await subscription.stop();
        expect(events.map(({ streamName, revision }) => [streamName, revision])).toEqual([
          [stream, 0n],
          [stream, 1n],
          [third, 0n],
          [stream, 2n],
        ]);
        const positions = events.map(({ position }) => position);
        expect(new Set(positions).size).toBe(4);
        expect(positions).toEqual(positions.toSorted((left, right) => (left < right ? -1 : 1)));
        expect(events[0]).toEqual((await store.readStream(stream))[0]);
      });

      it('begins behind the position that it is given', async () => {
        fresh();
        await store.append(stream, 'no-stream', someEvents(3));
        const [, second] = await store.readStream(stream);
        const listener = new Listener();
        const subscription = await follow(listener, second!.position);
        await store.append(stream, 2n, someEvents(1));
        expect((await listener.has(2)).map(({ revision }) => revision)).toEqual([2n, 3n]);
        await subscription.stop();
      });

      it('gives one event after another: the next waits for the handler', async () => {
        fresh();
        await store.append(stream, 'no-stream', someEvents(5));
        let running = 0;
        let most = 0;
        const listener = new Listener();
        const subscription = await follow({
          onEvent: async (event) => {
            running += 1;
            most = Math.max(most, running);
            await new Promise((resolve) => setImmediate(resolve));
            running -= 1;
            await listener.onEvent(event);
          },
        });
        expect((await listener.has(5)).map(({ revision }) => revision)).toEqual([0n, 1n, 2n, 3n, 4n]);
        expect(most).toBe(1);
        await subscription.stop();
      });

      it('says when it has caught up, and how far it looked where nothing matches', async () => {
        fresh();
        const listener = new Listener();
        const subscription = await follow(listener);
        await until('caught up', () => listener.caughtUp > 0);
        // More than a search window of a server that reports a checkpoint every 256 events.
        for (let from = 0; from < 600; from += 200) {
          const expected = from === 0 ? 'no-stream' : BigInt(from - 1);
          await store.append(`other${prefix}-1`, expected, someEvents(200, from));
        }
        const [noise] = await store.readStream(`other${prefix}-1`);
        await until('a checkpoint', () => listener.checkpoints.some((position) => position >= noise!.position));
        expect(listener.events).toEqual([]);
        await subscription.stop();
      });

      it('says that it has caught up once everything that was there was handled, and not before', async () => {
        fresh();
        await store.append(stream, 'no-stream', someEvents(3));
        const story: string[] = [];
        const subscription = await follow({
          onEvent: async ({ revision }) => {
            await new Promise((resolve) => setImmediate(resolve));
            story.push(`event ${revision}`);
          },
          onCaughtUp: () => void story.push('caught up'),
        });
        await until('caught up', () => story.includes('caught up'));
        await subscription.stop();
        expect(story).toEqual(['event 0', 'event 1', 'event 2', 'caught up']);
      });

      it('never names a checkpoint before the events up to it were handled', async () => {
        fresh();
        const handled: bigint[] = [];
        const early: bigint[] = [];
        const last = (await store.append(stream, 'no-stream', someEvents(600))).position;
        const positions = (await store.readStream(stream)).map(({ position }) => position);
        const subscription = await follow({
          onEvent: async ({ position }) => {
            if (handled.length % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
            handled.push(position);
          },
          onCheckpoint: async (checkpoint) => {
            const due = positions.filter((position) => position <= checkpoint).length;
            if (handled.length < due) early.push(checkpoint);
          },
        });
        await until('all of them', () => handled.at(-1) === last);
        await subscription.stop();
        expect(early).toEqual([]);
        expect(handled).toEqual(positions);
      });

      it('ends without a fault when it is stopped, and gives nothing more', async () => {
        fresh();
        await store.append(stream, 'no-stream', someEvents(1));
        const listener = new Listener();
        const subscription = await follow(listener);
        await listener.has(1);
        await subscription.stop();
        await expect(subscription.ended).resolves.toBeUndefined();
        const witness = new Listener();
        const still = await follow(witness);
        await store.append(stream, 0n, someEvents(1));
        await witness.has(2);
        expect(listener.events).toHaveLength(1);
        await still.stop();
      });

      it('can be stopped by its own handler', async () => {
        fresh();
        await store.append(stream, 'no-stream', someEvents(3));
        const listener = new Listener();
        const ready = Promise.withResolvers<{ stop(): Promise<void> }>();
        const subscription = await follow({
          onEvent: async (event) => {
            await listener.onEvent(event);
            await (await ready.promise).stop();
          },
        });
        ready.resolve(subscription);
        await subscription.ended;
        expect(listener.events).toHaveLength(1);
      });

      it('ends with the fault of a handler that fails, and gives it nothing more', async () => {
        fresh();
        await store.append(stream, 'no-stream', someEvents(3));
        let calls = 0;
        const subscription = await follow({
          onEvent: async () => {
            calls += 1;
            throw new RangeError('no');
          },
        });
        await expect(subscription.ended).rejects.toThrow(new RangeError('no'));
        await subscription.stop().catch(() => undefined);
        expect(calls).toBe(1);
      });
    });
  });
};
