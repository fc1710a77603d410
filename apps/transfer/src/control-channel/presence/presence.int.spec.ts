import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { LinkRefusedError } from '#libs/endpoint-link';
import { EventStoreDb } from '#libs/eventstore';
import { ServiceBus } from '#libs/messaging';
import { until } from '#libs/testing';
import { type Identity, type Server, TransferScene, openTransferDatabase } from '../transfer-scene.fake.js';
import { LEASE_SECONDS } from './server-lease.js';

let dataSource: DataSource;
let scene: TransferScene;
const store = new EventStoreDb(inject('eventStoreUrl'));
const bus = new ServiceBus(inject('natsUrl'), 'transfer');
beforeAll(async () => {
  dataSource = await openTransferDatabase(inject('databaseUrl'));
  await bus.connect();
  scene = new TransferScene(store, dataSource, bus);
});
beforeEach(() => dataSource.query('TRUNCATE TABLE link_server, endpoint, replication'));
afterEach(() => scene.end());
afterAll(async () => {
  await bus.close();
  await dataSource.destroy();
  await store.close();
});

const shift = (server: Server, column: 'held_since' | 'expires_at', seconds: number) =>
  dataSource.query(`UPDATE link_server SET ${column} = now() + make_interval(secs => $2) WHERE id = $1`, [
    server.lease.serverId,
    seconds,
  ]);
/** As if it had been killed, but for its connections: nobody renews its lease any more, and it has run out. */
const letLeaseRunOut = async (server: Server, secondsAgo = 1) => {
  await server.lease.beforeApplicationShutdown();
  await shift(server, 'expires_at', -secondsAgo);
};
/** The server has been there, without a gap, for longer than anything has to settle. */
const hasLongBeenThere = (server: Server) => shift(server, 'held_since', -LEASE_SECONDS - 1);
const events = ({ endpointId }: Identity) => scene.endpointEvents(endpointId);
const isAway = async (end: Identity) => (await events(end)).at(-1)?.type === 'EndpointDisconnected';

/** An agent that history knows as connected to a server; there is no connection. */
const connectedTo = async (serverId: string | undefined): Promise<Identity> => {
  const agent = await scene.enrol('agent');
  const connected = { type: 'NoteConnected', connectionId: randomUUID(), software: 'test', serverId } as const;
  await scene.tellEndpoint(agent.endpointId, connected);
  await scene.project(agent.endpointId);
  return agent;
};
/** An agent with a connection that the read model knows. */
const dialled = async (server: Server) => {
  const agent = await scene.enrol('agent');
  const end = scene.startEnd(server, agent);
  await until('the endpoint to be announced', () => announced(server, agent));
  await scene.project(agent.endpointId);
  return { ...agent, end };
};
const announced = (server: Server, { endpointId }: Identity) =>
  server.channel.connections().find((connection) => connection.endpointId === endpointId && connection.isAnnounced);

describe('endpoints of a server that was killed', () => {
  it('have left once its lease has run out; those of servers that are there have not', async () => {
    const [alive, killed] = [await scene.startServer(), await scene.startServer()];
    await hasLongBeenThere(alive);
    const [ofAlive, ofKilled] = [await dialled(alive), await connectedTo(killed.lease.serverId)];
    const [ofNobody, ofOldVersion] = [await connectedTo(randomUUID()), await connectedTo(undefined)];
    await alive.lost.sweep();
    expect(await isAway(ofKilled)).toBe(false);
    await letLeaseRunOut(killed);
    await alive.lost.sweep();
    for (const left of [ofKilled, ofNobody, ofOldVersion]) {
      expect((await events(left)).at(-1)).toMatchObject({
        type: 'EndpointDisconnected',
        data: { reason: 'the server that held the connection has ended' },
      });
    }
    expect(await isAway(ofAlive)).toBe(false);
  });

  it('have left once, however many sweep and though the read model is late', async () => {
    const [one, other] = [await scene.startServer(), await scene.startServer()];
    await Promise.all([one, other].map(hasLongBeenThere));
    const left = await connectedTo(randomUUID());
    await Promise.all([one.lost.sweep(), other.lost.sweep()]);
    await one.lost.sweep();
    expect((await events(left)).map(({ type }) => type)).toEqual([
      'EndpointEnrolled',
      'EndpointConnected',
      'EndpointDisconnected',
    ]);
  });

  it('have not left when they are back elsewhere, though the read model does not know yet', async () => {
    const server = await scene.startServer();
    await hasLongBeenThere(server);
    const agent = await connectedTo(randomUUID());
    const back = { type: 'NoteConnected', connectionId: randomUUID(), software: 'test' } as const;
    await scene.tellEndpoint(agent.endpointId, { ...back, serverId: server.lease.serverId });
    await server.lost.sweep();
    expect(await isAway(agent)).toBe(false);
  });

  it('get the time to come back before a server judges that has just begun', async () => {
    const server = await scene.startServer();
    const left = await connectedTo(randomUUID());
    await server.lost.sweep();
    expect(await isAway(left)).toBe(false);
    await shift(server, 'held_since', -LEASE_SECONDS);
    await server.lost.sweep();
    expect(await isAway(left)).toBe(true);
  });

  it('get it for as long as deadlines do', async () => {
    const server = await scene.startServer({ DEADLINE_SETTLE_SECONDS: '100' });
    const left = await connectedTo(randomUUID());
    await shift(server, 'held_since', -95);
    await server.lost.sweep();
    expect(await isAway(left)).toBe(false);
    await shift(server, 'held_since', -101);
    await server.lost.sweep();
    expect(await isAway(left)).toBe(true);
  });

  it('get it again after an outage, in which all leases ran out', async () => {
    const [server, other] = [await scene.startServer(), await scene.startServer()];
    await hasLongBeenThere(server);
    const ofOther = await connectedTo(other.lease.serverId);
    for (const each of [server, other]) await letLeaseRunOut(each);
    await server.lease.renew();
    await server.lost.sweep();
    expect(await isAway(ofOther)).toBe(false);
    await other.lease.renew();
    await hasLongBeenThere(server);
    await server.lost.sweep();
    expect(await isAway(ofOther)).toBe(false);
  });
});

describe('the lease of a server', () => {
  it('is held on, without a gap, by renewing it', async () => {
    const server = await scene.startServer();
    await hasLongBeenThere(server);
    await shift(server, 'expires_at', 3);
    await server.lease.renew();
    const [row] = await dataSource.query<{ left: number; held: number }[]>(
      `SELECT extract(epoch FROM expires_at - now())::float AS left, extract(epoch FROM now() - held_since)::float AS held
       FROM link_server WHERE id = $1`,
      [server.lease.serverId],
    );
    expect(row?.left).toBeGreaterThan(LEASE_SECONDS - 3);
    expect(row?.held).toBeGreaterThan(LEASE_SECONDS);
  });

  it('is there before an endpoint can connect, and stays behind when the server ends in order', async () => {
    const server = await scene.startServer();
    const rows = () => dataSource.query<unknown[]>('SELECT * FROM link_server WHERE expires_at > now()');
    expect(await rows()).toHaveLength(1);
    await server.end();
    expect(await rows()).toHaveLength(1);
  });

  it('of long ago is forgotten', async () => {
    const server = await scene.startServer();
    await letLeaseRunOut(server, 100_000);
    const next = await scene.startServer();
    expect(await dataSource.query('SELECT id FROM link_server')).toEqual([{ id: next.lease.serverId }]);
  });
});

describe("a server's own connections", () => {
  it('that have ended without a record are recorded; those in use are left alone', async () => {
    const server = await scene.startServer();
    const [gone, inUse] = [await connectedTo(server.lease.serverId), await dialled(server)];
    await server.lost.sweep();
    expect((await events(gone)).at(-1)).toMatchObject({
      type: 'EndpointDisconnected',
      data: { reason: 'the connection was lost while that could not be recorded' },
    });
    expect(await isAway(inUse)).toBe(false);
  });

  it('are not taken for lost when the server ends in order', async () => {
    const server = await scene.startServer();
    const agent = await dialled(server);
    await server.end();
    await server.lost.sweep();
    expect(await isAway(agent)).toBe(false);
  });

  it('go on as long as history knows them', async () => {
    const server = await scene.startServer();
    const agent = await dialled(server);
    await server.stale.sweep();
    expect(server.channel.connections()).toMatchObject([{ endpointId: agent.endpointId }]);
    expect(await events(agent)).toHaveLength(2);
  });

  it('go on though the read model does not know them yet', async () => {
    const server = await scene.startServer();
    const agent = await dialled(server);
    await dataSource.query('TRUNCATE TABLE endpoint');
    await server.stale.sweep();
    expect(server.channel.connections()).toMatchObject([{ endpointId: agent.endpointId }]);
    expect(await events(agent)).toHaveLength(2);
  });

  it('are closed when another server took this one for dead, so that their endpoints dial again', async () => {
    const server = await scene.startServer();
    const agent = await dialled(server);
    const { connectionId } = announced(server, agent)!;
    await scene.tellEndpoint(agent.endpointId, { type: 'NoteDisconnected', connectionId, reason: 'taken for dead' });
    await scene.project(agent.endpointId);
    await server.stale.sweep();
    const next = await until('another connection', () => {
      const connection = announced(server, agent);
      return connection?.connectionId !== connectionId && connection;
    });
    expect((await events(agent)).at(-1)).toMatchObject({
      type: 'EndpointConnected',
      data: { connectionId: next.connectionId },
    });
  });

  it('are closed for good when their endpoint is revoked', async () => {
    const server = await scene.startServer();
    const [agent, other] = [await dialled(server), await dialled(server)];
    await scene.tellEndpoint(agent.endpointId, { type: 'RevokeEndpoint' });
    await scene.project(agent.endpointId);
    await server.stale.sweep();
    await expect(agent.end.ended).rejects.toBeInstanceOf(LinkRefusedError);
    expect(await isAway(agent)).toBe(true);
    expect(server.channel.connections()).toMatchObject([{ endpointId: other.endpointId }]);
  });
});
