import { randomUUID } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { DomainError, type NewEvent, type PersistedEvent, metadataOf } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { createDatabase } from '#libs/local-stack';
import { CuttableLink, exampleContext, until } from '#libs/testing';
import { openReadModelStore } from './data-source.js';
import { EventReader, type Projection, type Reaction, rebuild } from './event-reader.js';
import { waitForPosition } from './wait-for-position.js';

const SCHEMA = 'spec';
let url: string;
let store: EventStoreDb;
let dataSource: DataSource;
const open = (at = url) => openReadModelStore({ url: at, schema: SCHEMA, entities: [], migrations: [] });

beforeAll(async () => {
  url = await createDatabase(inject('databaseUrl'), `readers_${randomUUID().replaceAll('-', '')}`);
  store = new EventStoreDb(inject('eventStoreUrl'));
  dataSource = await open();
});
afterAll(async () => {
  await dataSource.destroy();
  await store.close();
});

/** Names of this test's reader, table and streams. */
let name: string;
let table: string;
let prefix: string;
let written: bigint;
const readers: EventReader[] = [];
const warnings: string[] = [];

beforeEach(async () => {
  const id = randomUUID().slice(0, 8);
  [name, table, prefix] = [`reader-${id}`, `applied_${id}`, `spec${id}-`];
  written = -1n;
  warnings.length = 0;
  // Nothing keeps a row from being there twice, so that an event applied twice shows.
  await dataSource.query(
    `CREATE TABLE "${table}" (position numeric NOT NULL, number int NOT NULL, runner text NOT NULL)`,
  );
});
afterEach(async () => {
  await Promise.all(readers.splice(0).map((reader) => reader.stop()));
});

/** Appends one event each to the stream of this test. @returns the position of the last one */
const write = async (...numbers: number[]): Promise<bigint> => {
  const events = numbers.map((number): NewEvent => ({
    id: randomUUID(),
    storedType: 'spec.numbered.v1',
    data: { number },
    metadata: metadataOf(exampleContext(), 'spec'),
  }));
  const { revision, position } = await store.append(`${prefix}1`, written === -1n ? 'no-stream' : written, events);
  written = revision;
  return position;
};

type Apply = Projection['apply'];
const numberOf = (event: PersistedEvent): number => (event.data as { number: number }).number;
const insert = async (event: PersistedEvent, manager: EntityManager, runner = 'one'): Promise<void> => {
  await manager.query(`INSERT INTO "${table}" VALUES ($1, $2, $3)`, [
    event.position.toString(),
    numberOf(event),
    runner,
  ]);
};
const projection = (apply: Apply = insert): Projection => ({
  kind: 'projection',
  name,
  prefixes: [prefix],
  tables: [table],
  apply,
});
const run = (subscriber: Projection | Reaction, on = dataSource): EventReader => {
  const log = { info: () => undefined, warn: (message: string) => void warnings.push(message) };
  const reader = new EventReader(store, on, subscriber, log);
  readers.push(reader);
  reader.start();
  return reader;
};

const rows = async (): Promise<{ number: number; runner: string }[]> =>
  dataSource.query(`SELECT number, runner FROM "${table}" ORDER BY position`);
const numbers = async (): Promise<number[]> => (await rows()).map(({ number }) => number);
const checkpoint = async (): Promise<{ position: bigint | null; epoch: number }> => {
  const [row] = await dataSource.query<{ position: string | null; epoch: string }[]>(
    'SELECT position, epoch FROM checkpoint WHERE reader = $1',
    [name],
  );
  return { position: row?.position == null ? null : BigInt(row.position), epoch: Number(row?.epoch ?? 0) };
};
const hasRead = (position: bigint) =>
  until('the checkpoint', async () => ((await checkpoint()).position ?? -1n) >= position);

describe('a projection', () => {
  it('applies what is there and what comes, in order, once, and remembers how far it is', async () => {
    await write(1, 2, 3);
    const reader = run(projection());
    await until('the first rows', async () => (await numbers()).length === 3);
    const last = await write(4, 5);
    await hasRead(last);
    expect(await numbers()).toEqual([1, 2, 3, 4, 5]);
    expect(await checkpoint()).toMatchObject({ position: last, epoch: 1 });
    expect(reader.fault).toBeNull();
    expect(warnings).toEqual([]);
  });

  it('goes on behind its checkpoint when it is started again', async () => {
    const first = await write(1, 2);
    const reader = run(projection());
    await hasRead(first);
    await reader.stop();
    const last = await write(3);
    expect(await numbers()).toEqual([1, 2]);
    run(projection());
    await hasRead(last);
    expect(await numbers()).toEqual([1, 2, 3]);
  });

  it('leaves no trace of an event that it could not apply, says so, and applies it once in the end', async () => {
    let failures = 3;
    const seen: (string | null)[] = [];
    const reader = run(
      projection(async (event, manager) => {
        seen.push(reader.fault);
        await insert(event, manager);
        if (numberOf(event) === 2 && failures > 0) {
          failures -= 1;
          throw new Error('no room');
        }
      }),
    );
    const last = await write(1, 2, 3);
    await until('the fault', () => reader.fault === 'no room');
    await hasRead(last);
    expect(await numbers()).toEqual([1, 2, 3]);
    expect(failures).toBe(0);
    expect(reader.fault).toBeNull();
    expect(seen).toContain('no room');
    expect(warnings).toHaveLength(3);
  });

  it('applies an event once though its connection ended between the rows and the checkpoint', async () => {
    let crashes = 2;
    run(
      projection(async (event, manager) => {
        await insert(event, manager);
        if (numberOf(event) !== 2 || crashes === 0) return;
        crashes -= 1;
        await manager.query('SELECT pg_terminate_backend(pg_backend_pid())').catch(() => undefined);
      }),
    );
    await hasRead(await write(1, 2, 3));
    expect(await numbers()).toEqual([1, 2, 3]);
    expect(crashes).toBe(0);
  });
});

describe('two runners of one projection', () => {
  const by =
    (runner: string): Apply =>
    (event, manager) =>
      insert(event, manager, runner);

  it('take turns: one applies, and the other takes over when the first one stops', async () => {
    const other = await open();
    try {
      const first = run(projection(by('first')));
      await hasRead(await write(1));
      const second = run(projection(by('second')), other);
      await hasRead(await write(2, 3));
      expect(second.fault).toBeNull();
      await first.stop();
      await hasRead(await write(4));
      expect(await rows()).toEqual([
        { number: 1, runner: 'first' },
        { number: 2, runner: 'first' },
        { number: 3, runner: 'first' },
        { number: 4, runner: 'second' },
      ]);
      expect((await checkpoint()).epoch).toBe(2);
      await second.stop();
    } finally {
      await other.destroy();
    }
  });

  it('the other takes over when the first one is cut off, and nothing is applied twice', async () => {
    const link = await CuttableLink.to(new URL(url));
    const linked = new URL(url);
    linked.hostname = '127.0.0.1';
    linked.port = String(link.port);
    const other = await open(linked.href);
    const first = run(projection(by('first')), other);
    await hasRead(await write(1));
    run(projection(by('second')));
    await hasRead(await write(2));
    await link.cut();
    await hasRead(await write(3, 4));
    expect(await rows()).toEqual([
      { number: 1, runner: 'first' },
      { number: 2, runner: 'first' },
      { number: 3, runner: 'second' },
      { number: 4, runner: 'second' },
    ]);
    await until('the first one to know', () => first.fault);
    await first.stop();
    await other.destroy();
  });

  it('one that does not know that it was replaced writes nothing more', async () => {
    const gate = Promise.withResolvers<undefined>();
    let attempts = 0;
    run(
      projection(async (event, manager) => {
        attempts += 1;
        await insert(event, manager, attempts === 1 ? 'replaced' : 'newer');
        if (attempts === 1) await gate.promise;
      }),
    );
    const position = await write(1);
    await until('the event to be applied', () => attempts === 1);
    await dataSource.query('UPDATE checkpoint SET epoch = epoch + 1 WHERE reader = $1', [name]);
    gate.resolve(undefined);
    await hasRead(position);
    expect(await rows()).toEqual([{ number: 1, runner: 'newer' }]);
    expect(warnings.join()).toMatch(/run by another process/);
  });
});

describe('rebuilding a projection', () => {
  it('gives the same rows, while the reader runs, and goes on from there', async () => {
    run(projection());
    const last = await write(1, 2, 3);
    await hasRead(last);
    const before = await rows();
    await dataSource.query(`UPDATE "${table}" SET number = 99 WHERE number = 2`);
    await rebuild(dataSource, projection());
    await hasRead(last);
    expect(await rows()).toEqual(before);
    await hasRead(await write(4));
    expect(await numbers()).toEqual([1, 2, 3, 4]);
  });

  it('waits for the event that is being applied, and that waits for nothing of it', async () => {
    const gate = Promise.withResolvers<undefined>();
    let attempts = 0;
    run(
      projection(async (event, manager) => {
        attempts += 1;
        await insert(event, manager);
        if (attempts === 1) await gate.promise;
      }),
    );
    const last = await write(1, 2);
    await until('the event to be applied', () => attempts === 1);
    const rebuilding = rebuild(dataSource, projection());
    await until('the rebuild to wait', async () => {
      const waiting = await dataSource.query<unknown[]>(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return waiting.length > 0;
    });
    gate.resolve(undefined);
    await rebuilding;
    await hasRead(last);
    expect(await numbers()).toEqual([1, 2]);
    expect(warnings.join()).not.toMatch(/deadlock/);
  });
});

describe('a reaction', () => {
  const reaction = (react: Reaction['react']): Reaction => ({ kind: 'reaction', name, prefixes: [prefix], react });

  it('is repeated after a failure, until it succeeds, before the next event', async () => {
    const reacted: number[] = [];
    let failures = 2;
    run(
      reaction(async (event) => {
        reacted.push(numberOf(event));
        if (numberOf(event) === 2 && (failures -= 1) >= 0) throw new Error('away');
      }),
    );
    await hasRead(await write(1, 2, 3));
    expect(reacted).toEqual([1, 2, 2, 2, 3]);
  });

  it('passes over what is refused: that is an answer', async () => {
    const reacted: number[] = [];
    run(
      reaction(async (event) => {
        reacted.push(numberOf(event));
        if (numberOf(event) === 2) throw new DomainError('TRANSFER.FINISHED', 'No.', 'Leave it.');
      }),
    );
    await hasRead(await write(1, 2, 3));
    expect(reacted).toEqual([1, 2, 3]);
    expect(warnings).toEqual([]);
  });

  it('comes again when its checkpoint could not be moved: at least once, not at most', async () => {
    const reacted: number[] = [];
    run(
      reaction(async (event) => {
        reacted.push(numberOf(event));
        if (reacted.length === 1) {
          await dataSource.query('UPDATE checkpoint SET epoch = epoch + 1 WHERE reader = $1', [name]);
        }
      }),
    );
    await hasRead(await write(1, 2));
    expect(reacted).toEqual([1, 1, 2]);
  });
});

it('a reader without events of its own moves its checkpoint all the same', async () => {
  run(projection());
  await until('the reader to begin', async () => (await checkpoint()).epoch === 1);
  const noise = (count: number): NewEvent[] =>
    Array.from({ length: count }, () => ({
      id: randomUUID(),
      storedType: 'spec.noise.v1',
      data: {},
      metadata: metadataOf(exampleContext(), 'spec'),
    }));
  const { position } = await store.append(`noise-${randomUUID()}`, 'no-stream', noise(1));
  // A checkpoint without events is stored at most once a second, so one that comes too early is passed over: the log
  // has to go on growing, as logs do.
  await until('the checkpoint', async () => {
    await store.append(`noise-${randomUUID()}`, 'no-stream', noise(50));
    return ((await checkpoint()).position ?? -1n) >= position;
  });
  expect(await numbers()).toEqual([]);
});

describe('waiting for a position', () => {
  it('ends as soon as the projection has come so far, and at once for nothing', async () => {
    run(projection());
    const position = await write(1);
    await waitForPosition(dataSource, name, position);
    expect(await numbers()).toEqual([1]);
    await waitForPosition(dataSource, name, null);
  });

  it('gives up without an error: the change is recorded, only the view is late', async () => {
    const before = Date.now();
    await waitForPosition(dataSource, 'nobody', 1n);
    expect(Date.now() - before).toBeGreaterThanOrEqual(2_900);
    expect(Date.now() - before).toBeLessThan(10_000);
  });
});
