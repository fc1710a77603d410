import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import {
  type Aggregate,
  type DomainEvent,
  type NewEvent,
  type PersistedEvent,
  defineCodec,
  load,
  metadataOf,
} from '#libs/eventsourcing';
import { createDatabase } from '#libs/local-stack';
import { InMemoryEventStore, exampleContext } from '#libs/testing';
import { openReadModelStore } from './data-source.js';
import { documentProjection } from './document-projection.js';
import { createDocumentTable } from './document-table.js';

type Opened = DomainEvent<'Opened', { readonly name: string }>;
type Filled = DomainEvent<'Filled', { readonly word: string }>;
type Closed = DomainEvent<'Closed', { readonly at: string | null }>;
type Box = { readonly name: string; readonly words: readonly string[]; readonly closedAt: string | null } | null;

const boxes: Aggregate<Box, never, Opened | Filled | Closed> = {
  category: 'box',
  producer: 'spec',
  codec: defineCodec<Opened | Filled | Closed>({
    Opened: { stored: 'spec.opened.v1', schema: z.object({ name: z.string() }) },
    Filled: { stored: 'spec.filled.v1', schema: z.object({ word: z.string() }) },
    Closed: { stored: 'spec.closed.v1', schema: z.object({ at: z.string().nullable() }) },
  }),
  decider: {
    initialState: null,
    evolve: (box, event) => {
      if (event.type === 'Opened') return { name: event.data.name, words: [], closedAt: null };
      if (box === null) return null;
      return event.type === 'Filled'
        ? { ...box, words: [...box.words, event.data.word] }
        : { ...box, closedAt: event.data.at };
    },
    decide: () => [],
  },
};

const CreateBox = createDocumentTable(
  'CreateBox1700000000001',
  'box',
  ['name text', 'is_closed boolean NOT NULL'],
  ['name'],
);

const projection = documentProjection({
  name: 'box-projection',
  table: 'box',
  aggregate: boxes,
  columns: (box) => ({ name: box?.name ?? null, is_closed: box?.closedAt != null }),
});

let dataSource: DataSource;
beforeAll(async () => {
  const url = await createDatabase(inject('databaseUrl'), `documents_${randomUUID().replaceAll('-', '')}`);
  dataSource = await openReadModelStore({ url, schema: 'spec', entities: [], migrations: [CreateBox] });
});
beforeEach(() => dataSource.query('TRUNCATE TABLE box'));
afterAll(() => dataSource.destroy());

const apply = async (events: readonly PersistedEvent[]): Promise<void> => {
  for (const event of events) await dataSource.transaction((manager) => projection.apply(event, manager));
};

interface Row {
  readonly id: string;
  readonly state: Box;
  readonly revision: string;
  readonly position: string;
  readonly changed_at: Date;
  readonly name: string | null;
  readonly is_closed: boolean;
}
const rows = (): Promise<Row[]> => dataSource.query('SELECT * FROM box ORDER BY id');

const record = async (
  store: InMemoryEventStore,
  id: string,
  events: readonly (Opened | Filled | Closed)[],
  now: string,
) => {
  const revision = (await store.readStream(`box-${id}`)).at(-1)?.revision ?? 'no-stream';
  const metadata = metadataOf(exampleContext({ now }), 'spec');
  const stored = events.map((event): NewEvent => ({ id: randomUUID(), ...boxes.codec.encode(event), metadata }));
  await store.append(`box-${id}`, revision, stored);
};

const text = fc.string({ unit: 'grapheme' }).filter((word) => !word.includes('\0'));
const anyEvent: fc.Arbitrary<Opened | Filled | Closed> = fc.oneof(
  text.map((name) => ({ type: 'Opened', data: { name } }) as const),
  text.map((word) => ({ type: 'Filled', data: { word } }) as const),
  fc.option(text).map((at) => ({ type: 'Closed', data: { at } }) as const),
);

describe('a document projection', () => {
  it('holds for each stream exactly the fold of its events, with its columns', async () => {
    const histories = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c-1'), anyEvent), { minLength: 1, maxLength: 15 });
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        await dataSource.query('TRUNCATE TABLE box');
        const store = new InMemoryEventStore();
        for (const [index, [id, event]] of history.entries()) {
          await record(store, id, [event], new Date(Date.UTC(2026, 2, 1, 10, index)).toISOString());
        }
        const ids = [...new Set(history.map(([id]) => id))].toSorted();
        const streams = await Promise.all(ids.map((id) => load(store, boxes, id)));
        const log = streams.flatMap(({ persisted }) => persisted);
        await apply(log.toSorted((left, right) => Number(left.position - right.position)));
        expect(await rows()).toEqual(
          streams.map(({ state, persisted }, index) => {
            const last = persisted.at(-1)!;
            return {
              id: ids[index],
              state,
              revision: last.revision.toString(),
              position: last.position.toString(),
              changed_at: new Date(last.metadata.occurredAt),
              name: state?.name ?? null,
              is_closed: state?.closedAt != null,
            };
          }),
        );
      }),
      { numRuns: 25 },
    );
  });

  it('passes over events that its aggregate does not know', async () => {
    const store = new InMemoryEventStore();
    await record(store, 'a', [{ type: 'Opened', data: { name: 'x' } }], '2026-03-01T10:00:00.000Z');
    const [event] = await store.readStream('box-a');
    await apply([event!, { ...event!, storedType: 'spec.unknown.v1', revision: 1n, position: 1n }]);
    expect(await rows()).toMatchObject([{ id: 'a', revision: '0', state: { name: 'x' } }]);
  });

  it('shows what Postgres does not store as the replacement character, and goes on', async () => {
    const store = new InMemoryEventStore();
    const words = ['nul \0.', 'half \ud83d', '\udc00 other half', 'whole \u{1f600}', 'escaped \\u0000'];
    const history = [
      { type: 'Opened', data: { name: 'x' } } as const,
      ...words.map((word) => ({ type: 'Filled', data: { word } }) as const),
    ];
    await record(store, 'a', history, '2026-03-01T10:00:00.000Z');
    await apply(await store.readStream('box-a'));
    const shown = ['nul \ufffd.', 'half \ufffd', '\ufffd other half', 'whole \u{1f600}', 'escaped \\u0000'];
    expect((await rows())[0]?.state?.words).toEqual(shown);
  });

  it('names its table and its streams, so that it can be rebuilt and subscribed', () => {
    expect(projection).toMatchObject({ kind: 'projection', tables: ['box'], prefixes: ['box-'] });
  });
});

it('a store is opened by many at once, its schema made and its migrations run one time', async () => {
  const url = await createDatabase(inject('databaseUrl'), `opened_${randomUUID().replaceAll('-', '')}`);
  const open = () => openReadModelStore({ url, schema: 'spec', entities: [], migrations: [CreateBox] });
  const opened = await Promise.all([open(), open(), open()]);
  const migrations = await opened[0].query<{ name: string }[]>('SELECT name FROM migrations');
  expect(migrations.map(({ name }) => name)).toEqual(['CreateCheckpoint1700000000000', 'CreateBox1700000000001']);
  await Promise.all(opened.map((each) => each.destroy()));
});
