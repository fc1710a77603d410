import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { PersistedEvent } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { ServiceBus } from '#libs/messaging';
import { type Identity, TransferScene, openTransferDatabase } from '../../control-channel/transfer-scene.fake.js';
import { noteAwayWhenEndpointLeft } from './note-away-when-endpoint-left.js';

let dataSource: DataSource;
let scene: TransferScene;
const store = new EventStoreDb(inject('eventStoreUrl'));
beforeAll(async () => {
  dataSource = await openTransferDatabase(inject('databaseUrl'));
  scene = new TransferScene(store, dataSource, new ServiceBus(inject('natsUrl'), 'transfer'));
});
afterAll(async () => {
  await dataSource.destroy();
  await store.close();
});

const connect = async ({ endpointId }: Identity): Promise<string> => {
  const connectionId = randomUUID();
  await scene.tellEndpoint(endpointId, { type: 'NoteConnected', connectionId, software: 'test' });
  return connectionId;
};
/** @returns the event of its leaving */
const leave = async ({ endpointId }: Identity, connectionId: string): Promise<PersistedEvent> => {
  await scene.tellEndpoint(endpointId, { type: 'NoteDisconnected', connectionId, reason: 'it left' });
  const last = (await store.readStream(`endpoint-${endpointId}`)).at(-1);
  if (last === undefined) throw new Error('nothing was recorded');
  return last;
};
const react = (event: PersistedEvent) => noteAwayWhenEndpointLeft(store, dataSource).react(event);

/** A full round transfers, so that it stands still without its agent. */
const transferring = async () => {
  const migration = await scene.startMigration();
  const { taskId, roundId } = migration;
  const at = new Date().toISOString();
  await scene.tell(taskId, { type: 'NoteLinkEstablished', roundId, attempt: 1, comparison: 'all-blocks', at });
  const before = (await scene.replicationEvents(taskId)).length;
  return { ...migration, since: async () => (await scene.replicationEvents(taskId)).slice(before) };
};

describe('an endpoint that has left', () => {
  it('is away for its tasks since then, which is noted once', async () => {
    const { agent, taskId, since } = await transferring();
    const event = await leave(agent, await connect(agent));
    await react(event);
    await react(event);
    const lostAt = event.metadata.occurredAt;
    expect(await since()).toMatchObject([
      { type: 'ControlChannelLost', data: { end: 'agent', lostAt } },
      { type: 'ResumeWindowOpened', data: { cause: 'agent-away', openedAt: lostAt } },
    ]);
    const noted = (await store.readStream(`replication-${taskId}`)).at(-1);
    expect(noted?.metadata).toMatchObject({ correlationId: taskId, causationId: event.id, actor: 'service:transfer' });
  });

  it('is away as the end that it is', async () => {
    const { restorer, since } = await transferring();
    await react(await leave(restorer, await connect(restorer)));
    expect(await since()).toMatchObject([{ type: 'ControlChannelLost', data: { end: 'restorer' } }]);
  });

  it('is away for each of its tasks', async () => {
    const [one, other] = [await transferring(), await transferring()];
    await dataSource.query('UPDATE replication SET source_machine_id = $1 WHERE id = $2', [
      one.agent.endpointId,
      other.taskId,
    ]);
    await react(await leave(one.agent, await connect(one.agent)));
    for (const { since } of [one, other]) {
      expect((await since()).map(({ type }) => type)).toEqual(['ControlChannelLost', 'ResumeWindowOpened']);
    }
  });

  it('is not away when it is back by now', async () => {
    const { agent, since } = await transferring();
    const event = await leave(agent, await connect(agent));
    await connect(agent);
    await react(event);
    expect(await since()).toEqual([]);
  });

  it('is away since it left last, when it came and went before anybody looked', async () => {
    const { agent, since } = await transferring();
    const first = await leave(agent, await connect(agent));
    const last = await leave(agent, await connect(agent));
    await react(first);
    expect(await since()).toEqual([]);
    await react(last);
    expect((await since())[0]).toMatchObject({ data: { lostAt: last.metadata.occurredAt } });
  });

  it('concerns no task that is not there, and nobody when it had none', async () => {
    const { agent, taskId, since } = await transferring();
    await dataSource.query('UPDATE replication SET id = $1 WHERE id = $2', [randomUUID(), taskId]);
    await react(await leave(agent, await connect(agent)));
    expect(await since()).toEqual([]);
    const idle = await scene.enrol('agent');
    await react(await leave(idle, await connect(idle)));
  });

  it('is told by its leaving alone', async () => {
    const { agent, since } = await transferring();
    await leave(agent, await connect(agent));
    for (const event of (await store.readStream(`endpoint-${agent.endpointId}`)).slice(0, -1)) await react(event);
    expect(await since()).toEqual([]);
  });
});
