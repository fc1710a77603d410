import { randomUUID } from 'node:crypto';
import type { DataSource, MigrationInterface } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { replicationView, sourceMachineView } from '#libs/contracts';
import {
  type Aggregate,
  type DomainEvent,
  type NewEvent,
  type PersistedEvent,
  fold,
  metadataOf,
} from '#libs/eventsourcing';
import { createDatabase } from '#libs/local-stack';
import { type Projection, openReadModelStore } from '#libs/projections';
import { InMemoryEventStore, exampleContext } from '#libs/testing';
import { endpoints } from '../../endpoint/endpoint.aggregate.js';
import * as endpoint from '../../endpoint/endpoint.examples.js';
import {
  EndpointRow,
  createEndpoint,
  endpointProjection,
  findSourceMachine,
  listSourceMachines,
} from '../../endpoint/read-model/source-machine.projection.js';
import type { ReplicationEvent } from '../domain/replication.events.js';
import { replications } from '../replication.aggregate.js';
import * as example from '../replication.examples.js';
import {
  ReplicationRow,
  createReplication,
  refoldReplication,
  findReplication,
  replicationProjection,
  tasksOfEndpoint,
} from './replication.projection.js';

const {
  AGENT,
  DIGESTING,
  FINAL_DONE,
  FULL_BEGUN,
  FULL_DONE,
  FULL_RUNNING,
  LINK_LOST,
  RESTORER,
  ROUND_1,
  SETTINGS,
  TASK,
  VERIFIED,
  after,
  failedForNow,
} = example;

let dataSource: DataSource;
let store: InMemoryEventStore;
beforeAll(async () => {
  const url = await createDatabase(inject('databaseUrl'), `transfer_${randomUUID().replaceAll('-', '')}`);
  dataSource = await openReadModelStore({
    url,
    schema: 'transfer',
    entities: [EndpointRow, ReplicationRow],
    migrations: [createEndpoint, createReplication, refoldReplication],
  });
});
beforeEach(async () => {
  store = new InMemoryEventStore();
  await dataSource.query('TRUNCATE TABLE replication, endpoint');
});
afterAll(() => dataSource.destroy());

const minute = (index: number) => new Date(Date.UTC(2026, 2, 1, 10, index)).toISOString();

/** Records a history, one event a minute, and applies it as a reader would. */
const apply = async <State, Event extends DomainEvent>(
  aggregate: Aggregate<State, never, Event>,
  projection: Projection,
  id: string,
  history: readonly Event[],
): Promise<void> => {
  const events = history.map((event, index): NewEvent => ({
    id: randomUUID(),
    ...aggregate.codec.encode(event),
    metadata: metadataOf(exampleContext({ now: minute(index) }), 'spec'),
  }));
  const name = `${aggregate.category}-${id}`;
  await store.append(name, 'no-stream', events);
  const persisted: readonly PersistedEvent[] = await store.readStream(name);
  for (const event of persisted) await dataSource.transaction((manager) => projection.apply(event, manager));
};
const replicated = (history: readonly ReplicationEvent[]) => apply(replications, replicationProjection, TASK, history);
const view = async () => replicationView.parse(await findReplication(dataSource, TASK));

describe('the read model of replications', () => {
  it('knows nothing of a task before its first round', async () => {
    expect(await findReplication(dataSource, TASK)).toBeNull();
  });

  it.each<[string, string, readonly ReplicationEvent[]]>([
    ['opening-exports', 'a round has begun', FULL_RUNNING],
    ['transferring', 'its link is there', FULL_BEGUN],
    ['link-lost', 'its link is lost', LINK_LOST],
    ['paused', 'it is paused', [...LINK_LOST, example.paused]],
    ['waiting-for-retry', 'it is to be tried again', [...FULL_BEGUN, ...failedForNow(ROUND_1, 'full')]],
    ['idle', 'it is complete', FULL_DONE],
    ['verifying', 'the target is compared', DIGESTING],
    ['idle', 'the target is verified', VERIFIED],
  ])('shows %s when %s', async (activity, _when, history) => {
    await replicated(history);
    expect((await view()).activity).toBe(activity);
  });

  it.each<[string, readonly ReplicationEvent[], string | null]>([
    ['at the deadline of a window', LINK_LOST, after(SETTINGS.resumeWindowSeconds)],
    ['at the time of a retry', [...FULL_BEGUN, ...failedForNow(ROUND_1, 'full')], after(60)],
    ['never while work goes on', FULL_BEGUN, null],
    ['never during a pause', [...LINK_LOST, example.paused], null],
  ])('knows when something is due: %s', async (_when, history, dueAt) => {
    await replicated(history);
    const row = await dataSource.getRepository(ReplicationRow).findOneByOrFail({ id: TASK });
    expect(row.dueAt?.toISOString() ?? null).toBe(dueAt);
  });

  it('shows the rounds with their times, and the digests of both sides', async () => {
    await replicated(VERIFIED);
    expect(await view()).toMatchObject({
      sourceMachineId: AGENT,
      restorerId: RESTORER,
      fullSyncCompleted: true,
      finalSyncCompleted: true,
      rounds: [
        { number: 1, roundKind: 'full', status: 'completed', startedAt: minute(1), endedAt: minute(6) },
        { number: 2, roundKind: 'final', status: 'completed', startedAt: minute(7), endedAt: minute(12) },
      ],
      verification: { status: 'verified', source: example.digests(), target: example.digests(), failure: null },
    });
  });

  it('holds exactly the fold of the stream', async () => {
    await replicated(FINAL_DONE);
    const row = await dataSource.getRepository(ReplicationRow).findOneByOrFail({ id: TASK });
    expect(row.state).toEqual(fold(replications.decider, FINAL_DONE));
  });

  it('shows what was interrupted, for how long it waits, and how often it was taken up', async () => {
    await replicated(LINK_LOST);
    expect(await view()).toMatchObject({
      settings: SETTINGS,
      resumeWindow: { cause: 'link-lost', openedAt: after(0), deadlineAt: after(SETTINGS.resumeWindowSeconds) },
      rounds: [{ status: 'link-lost', attempts: 2, comparison: 'all-blocks', resend: false }],
    });
  });

  it('finds the tasks of either end, newest first', async () => {
    await replicated(FULL_RUNNING);
    const later = randomUUID();
    const history = FULL_DONE.map(
      (event) => ({ ...event, data: { ...event.data, taskId: later } }) as ReplicationEvent,
    );
    await apply(replications, replicationProjection, later, history);
    for (const end of [AGENT, RESTORER]) expect(await tasksOfEndpoint(dataSource, end)).toEqual([later, TASK]);
    expect(await tasksOfEndpoint(dataSource, TASK)).toEqual([]);
  });
});

describe('the read model of replications of an earlier version', () => {
  it('is emptied, and folded again from the beginning', async () => {
    const url = await createDatabase(inject('databaseUrl'), `transfer_${randomUUID().replaceAll('-', '')}`);
    const open = (migrations: readonly (new () => MigrationInterface)[]) =>
      openReadModelStore({ url, schema: 'transfer', entities: [ReplicationRow], migrations });
    const before = await open([createReplication]);
    await before.query(
      'INSERT INTO replication (id, state, revision, position, changed_at) VALUES ($1, $2, 0, 7, now())',
      [TASK, {}],
    );
    await before.query('INSERT INTO checkpoint (reader, position, epoch) VALUES ($1, 7, 3)', [
      replicationProjection.name,
    ]);
    await before.destroy();
    const upgraded = await open([createReplication, refoldReplication]);
    expect(await upgraded.getRepository(ReplicationRow).find()).toEqual([]);
    const checkpoints = await upgraded.query<unknown[]>('SELECT position, epoch::text AS epoch FROM checkpoint');
    expect(checkpoints).toEqual([{ position: null, epoch: '4' }]);
    await upgraded.destroy();
  });
});

describe('the read model of source machines', () => {
  const { CONNECTION_1, ENDPOINT, INVENTORY, connected, disconnected, enrolled, inventoryReported } = endpoint;

  it('shows a machine by the name that it enrolled under, with its inventory, as it was last heard of', async () => {
    const history = [enrolled, connected(CONNECTION_1), inventoryReported];
    await apply(endpoints, endpointProjection, ENDPOINT, history);
    const machine = sourceMachineView.parse(await findSourceMachine(dataSource, ENDPOINT));
    expect(machine).toMatchObject({ name: 'web1', connected: true, inventory: INVENTORY });
    expect(machine.lastChangeAt).toBe(minute(2));
    expect(await listSourceMachines(dataSource)).toEqual([machine]);
  });

  it('shows one that never connected, or has left, as not connected', async () => {
    await apply(endpoints, endpointProjection, ENDPOINT, [enrolled]);
    expect(await findSourceMachine(dataSource, ENDPOINT)).toMatchObject({
      name: 'web1',
      connected: false,
      software: null,
      inventory: null,
    });
    const other = randomUUID();
    await apply(endpoints, endpointProjection, other, [enrolled, connected(CONNECTION_1), disconnected(CONNECTION_1)]);
    expect(await findSourceMachine(dataSource, other)).toMatchObject({ connected: false });
  });

  it('shows no restore environment', async () => {
    const restorer = { ...enrolled, data: { ...enrolled.data, kind: 'restorer' } } as typeof enrolled;
    await apply(endpoints, endpointProjection, ENDPOINT, [restorer]);
    expect(await findSourceMachine(dataSource, ENDPOINT)).toBeNull();
    expect(await listSourceMachines(dataSource)).toEqual([]);
  });
});
