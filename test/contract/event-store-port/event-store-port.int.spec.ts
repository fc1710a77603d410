import { inject } from 'vitest';
import { EventStoreDb } from '#libs/eventstore';
import { InMemoryEventStore } from '#libs/testing';
import { describeEventStorePort } from './event-store-port.suite.js';

describeEventStorePort('EventStoreDB', () => {
  const store = new EventStoreDb(inject('eventStoreUrl'));
  return { store, close: () => store.close() };
});

describeEventStorePort('the fake in memory', () => ({
  store: new InMemoryEventStore(),
  close: async () => undefined,
}));
