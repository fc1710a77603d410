import { randomUUID } from 'node:crypto';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { type NewEvent, PermanentError, TransientError, metadataOf } from '#libs/eventsourcing';
import { exampleContext, until } from '#libs/testing';
import { EventStoreDb } from './event-store-db.js';

// What every event store has to do is in test/contract/event-store-port; here is what only this adapter can get wrong.

const store = new EventStoreDb(inject('eventStoreUrl'));
const client = EventStoreDBClient.connectionString(inject('eventStoreUrl'));
afterAll(async () => {
  await store.close();
  await client.dispose();
});

const anEvent = (data: unknown = {}): NewEvent => ({
  id: randomUUID(),
  storedType: 'spec.happened.v1',
  data,
  metadata: metadataOf(exampleContext(), 'spec'),
});

describe('the EventStoreDB adapter', () => {
  it('stores JSON that anyone can read, with the correlation where other tools look for it', async () => {
    const stream = `spec-${randomUUID()}`;
    const event = anEvent({ taskId: 't', list: [1, null] });
    await store.append(stream, 'no-stream', [event]);
    for await (const { event: stored } of client.readStream(stream)) {
      expect(stored).toMatchObject({
        id: event.id,
        type: 'spec.happened.v1',
        isJson: true,
        data: { taskId: 't', list: [1, null] },
        metadata: { $correlationId: event.metadata.correlationId, $causationId: event.metadata.causationId },
      });
    }
  });

  it('calls an append that can never succeed permanent', async () => {
    const huge = anEvent({ text: 'x'.repeat(2 * 1024 * 1024) });
    await expect(store.append(`spec-${randomUUID()}`, 'no-stream', [huge])).rejects.toBeInstanceOf(PermanentError);
  });

  it.each([
    ['a server', 'esdb://127.0.0.1:1?tls=false'],
    ['a cluster', 'esdb://127.0.0.1:1,127.0.0.1:2?tls=false&maxDiscoverAttempts=1&discoveryInterval=10'],
  ])('calls %s that is away transient, whatever was asked of it', async (_what, url) => {
    const away = new EventStoreDb(url);
    await expect(away.append('spec-1', 'no-stream', [anEvent()])).rejects.toBeInstanceOf(TransientError);
    await expect(away.setMaxCount('spec-1', 1)).rejects.toBeInstanceOf(TransientError);
    await expect(away.readStream('spec-1')).rejects.toBeInstanceOf(TransientError);
    const subscription = await away.subscribe(['spec-'], 'start', { onEvent: async () => undefined });
    await expect(subscription.ended).rejects.toBeInstanceOf(TransientError);
    await away.close();
  });

  it('ends a subscription with a fault at an event that it cannot read, as passing over it would lose it', async () => {
    const category = `foreign${randomUUID().slice(0, 8)}`;
    await client.appendToStream(`${category}-1`, [jsonEvent({ type: 'foreign', data: {} })]);
    const seen: string[] = [];
    const subscription = await store.subscribe([`${category}-`], 'start', {
      onEvent: async ({ id }) => void seen.push(id),
    });
    let fault: unknown = null;
    subscription.ended.catch((error: unknown) => (fault = error));
    await until('the fault', () => fault);
    expect(seen).toEqual([]);
  });
});
