import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { InMemoryEventStore, exampleContext } from '#libs/testing';
import { defineCodec } from './codec.js';
import { DomainError, RevisionConflict, TransientError } from './errors.js';
import type { DomainEvent } from './event.js';
import { type Aggregate, handleCommand, load } from './handle-command.js';
import { eventIdOf } from './ids.js';
import type { EventStore, ExpectedRevision } from './ports.js';

type Added = DomainEvent<'Added', { readonly amount: number; readonly sumBefore: number }>;
type Add = { readonly amounts: readonly number[] };

/** Sums up; each event says which sum it was decided upon. Takes sums up to 100. */
const sums: Aggregate<number, Add, Added> = {
  category: 'sum',
  producer: 'arithmetic',
  codec: defineCodec<Added>({
    Added: { stored: 'arithmetic.added.v1', schema: z.object({ amount: z.number(), sumBefore: z.number() }) },
  }),
  decider: {
    initialState: 0,
    evolve: (sum, { data }) => sum + data.amount,
    decide: ({ amounts }, sumBefore) => {
      if (sumBefore > 100) throw new DomainError('SUM.TOO_LARGE', 'Enough.', 'Begin anew.');
      return amounts.map((amount) => ({ type: 'Added', data: { amount, sumBefore } }));
    },
  },
};

const ID = 'one';
const first = exampleContext();
const second = exampleContext({ commandId: '0d9c2f0e-6f51-4b0a-8a55-0a3c64d5f201', now: '2026-03-01T10:00:05.000Z' });
const rivals = (index: number) =>
  exampleContext({ commandId: `11111111-1111-4111-8111-${String(index).padStart(12, '0')}` });

/** A store in which another command is faster, the first `times` times that one appends. */
const contested = (store: InMemoryEventStore, times: number) => {
  const expectations: ExpectedRevision[] = [];
  const view: Pick<EventStore, 'readStream' | 'append'> = {
    readStream: (name) => store.readStream(name),
    append: async (name, expected, events) => {
      expectations.push(expected);
      if (expectations.length <= times) {
        await handleCommand(store, sums, ID, { amounts: [1] }, rivals(expectations.length));
      }
      return store.append(name, expected, events);
    },
  };
  return { view, expectations };
};

describe('handling a command', () => {
  it('records the decided events in the stream of the aggregate, with who, when and why', async () => {
    const store = new InMemoryEventStore();
    const handled = await handleCommand(store, sums, ID, { amounts: [3, 4] }, first);
    expect(await store.readStream('sum-one')).toEqual(
      [3, 4].map((amount, index) => ({
        id: eventIdOf(first.commandId, index),
        streamName: 'sum-one',
        revision: BigInt(index),
        position: BigInt(index),
        storedType: 'arithmetic.added.v1',
        data: { amount, sumBefore: 0 },
        metadata: {
          commandId: first.commandId,
          correlationId: first.correlationId,
          causationId: first.causationId,
          actor: first.actor,
          occurredAt: first.now,
          producer: 'arithmetic',
        },
      })),
    );
    expect(handled).toEqual({
      state: 7,
      position: 1n,
      events: [3, 4].map((amount) => ({ type: 'Added', data: { amount, sumBefore: 0 } })),
    });
  });

  it('decides upon what was recorded before', async () => {
    const store = new InMemoryEventStore();
    await handleCommand(store, sums, ID, { amounts: [3] }, first);
    const handled = await handleCommand(store, sums, ID, { amounts: [4] }, second);
    expect(handled.events).toEqual([{ type: 'Added', data: { amount: 4, sumBefore: 3 } }]);
    expect(handled.state).toBe(7);
  });

  it('records nothing when nothing was decided', async () => {
    const store = new InMemoryEventStore();
    expect(await handleCommand(store, sums, ID, { amounts: [] }, first)).toEqual({
      state: 0,
      events: [],
      position: null,
    });
    expect(await store.readStream('sum-one')).toEqual([]);
  });

  it('passes a refusal on and records nothing', async () => {
    const store = new InMemoryEventStore();
    await handleCommand(store, sums, ID, { amounts: [101] }, first);
    await expect(handleCommand(store, sums, ID, { amounts: [1] }, second)).rejects.toMatchObject({
      code: 'SUM.TOO_LARGE',
    });
    expect(await store.readStream('sum-one')).toHaveLength(1);
  });

  it('passes over events that the codec does not know, and still counts them', async () => {
    const store = new InMemoryEventStore();
    await handleCommand(store, sums, ID, { amounts: [5] }, first);
    const [event] = await store.readStream('sum-one');
    await store.append('sum-one', 0n, [{ ...event!, id: eventIdOf(second.commandId, 9), storedType: 'other.v1' }]);
    expect(await load(store, sums, ID)).toMatchObject({ state: 5, revision: 1n });
    expect((await handleCommand(store, sums, ID, { amounts: [1] }, second)).state).toBe(6);
  });
});

describe('the same command again', () => {
  it('is answered with what it recorded, though others have come since', async () => {
    const store = new InMemoryEventStore();
    const before = await handleCommand(store, sums, ID, { amounts: [3, 4] }, first);
    await handleCommand(store, sums, ID, { amounts: [200] }, second);
    const again = await handleCommand(store, sums, ID, { amounts: [9] }, { ...first, now: second.now });
    expect(again).toEqual({ ...before, state: 207 });
    expect(await store.readStream('sum-one')).toHaveLength(3);
  });

  it('at the same moment in two places is recorded once', async () => {
    const store = new InMemoryEventStore();
    const both = await Promise.all([1, 2].map(() => handleCommand(store, sums, ID, { amounts: [3, 4] }, first)));
    expect(both[0]).toEqual(both[1]);
    expect(await store.readStream('sum-one')).toHaveLength(2);
  });
});

describe('a command that another one overtakes', () => {
  it('is decided anew, each time upon the exact revision that it read', async () => {
    const store = new InMemoryEventStore();
    const { view, expectations } = contested(store, 3);
    const handled = await handleCommand(view, sums, ID, { amounts: [10] }, first);
    expect(expectations).toEqual(['no-stream', 0n, 1n, 2n]);
    expect(handled.events).toEqual([{ type: 'Added', data: { amount: 10, sumBefore: 3 } }]);
    expect(await store.readStream('sum-one')).toHaveLength(4);
  });

  it('gives up after four tries, with nothing recorded', async () => {
    const store = new InMemoryEventStore();
    const { view, expectations } = contested(store, 4);
    await expect(handleCommand(view, sums, ID, { amounts: [10] }, first)).rejects.toBeInstanceOf(RevisionConflict);
    expect(expectations).toHaveLength(4);
    expect((await load(store, sums, ID)).state).toBe(4);
  });

  it('is refused when what overtook it makes it impossible', async () => {
    const store = new InMemoryEventStore();
    const { view } = contested(store, 1);
    await handleCommand(store, sums, ID, { amounts: [100] }, second);
    await expect(handleCommand(view, sums, ID, { amounts: [10] }, first)).rejects.toBeInstanceOf(DomainError);
  });
});

it('does not repeat an append whose outcome is unknown: whoever asked repeats the command', async () => {
  const store = new InMemoryEventStore();
  let appends = 0;
  const lossy: Pick<EventStore, 'readStream' | 'append'> = {
    readStream: (name) => store.readStream(name),
    append: async (name, expected, events) => {
      appends += 1;
      await store.append(name, expected, events);
      throw new TransientError('no answer');
    },
  };
  await expect(handleCommand(lossy, sums, ID, { amounts: [3] }, first)).rejects.toBeInstanceOf(TransientError);
  expect(appends).toBe(1);
  const again = await handleCommand(lossy, sums, ID, { amounts: [3] }, first);
  expect(again).toMatchObject({ state: 3, position: 0n });
});
