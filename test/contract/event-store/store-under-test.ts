import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { EventStoreDBClient, jsonEvent, type JSONEventData } from '@eventstore/db-client';
import { startEventStoreNode } from '#libs/eventstore-node';

/** The server the suite runs on: the embedded node, or whatever EVENTSTORE_URL points to. */
export interface StoreUnderTest {
  readonly client: EventStoreDBClient;
  readonly url: string;
  close(): Promise<void>;
}

/** True when the suite runs on a server somebody else set up. */
export const isForeign = process.env['EVENTSTORE_URL'] !== undefined;

export async function openStore(): Promise<StoreUnderTest> {
  const foreign = process.env['EVENTSTORE_URL'];
  if (foreign !== undefined) {
    const client = EventStoreDBClient.connectionString(foreign);
    return { client, url: foreign, close: () => client.dispose() };
  }
  const dataFolder = mkdtempSync(join(tmpdir(), 'event-store-contract-'));
  const node = await startEventStoreNode({ dataFolder, port: 0 });
  const url = `esdb://127.0.0.1:${node.port}?tls=false`;
  const client = EventStoreDBClient.connectionString(url);
  return {
    client,
    url,
    close: async () => {
      await client.dispose();
      await node.close();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

/** A stream name nobody used: the suite may run on a server that holds other data. */
export const freshStream = (what: string): string => `contract_${what}-${randomUUID()}`;

/** `count` events of one type, numbered from `first` in their data. */
export const someEvents = (count: number, type = 'Happened', first = 0): JSONEventData[] =>
  Array.from({ length: count }, (_, index) => jsonEvent({ type, data: { number: first + index } }));

/** Everything an async iterable gives until it ends. */
export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** Collects what an emitter gives and answers when there is enough. Fails, with what came, after `withinMs`. */
export class Collector<T> {
  readonly items: T[] = [];
  #waiting: { count: number; resolve: () => void } | undefined;

  readonly take = (item: T): void => {
    this.items.push(item);
    if (this.#waiting !== undefined && this.items.length >= this.#waiting.count) this.#waiting.resolve();
  };

  async atLeast(count: number, withinMs = 10_000): Promise<T[]> {
    if (this.items.length < count) {
      await new Promise<void>((resolve, reject) => {
        const limit = setTimeout(() => {
          reject(new Error(`${this.items.length} of ${count} came: ${inspectable(this.items)}`));
        }, withinMs);
        this.#waiting = {
          count,
          resolve: () => {
            clearTimeout(limit);
            resolve();
          },
        };
      });
    }
    return this.items;
  }
}

const inspectable = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
