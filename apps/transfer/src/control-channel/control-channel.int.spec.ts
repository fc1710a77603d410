import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type EndpointProgress, progressSubject } from '#libs/contracts';
import { LinkRefusedError } from '#libs/endpoint-link';
import { EventStoreDb } from '#libs/eventstore';
import { ServiceBus } from '#libs/messaging';
import { CuttableLink, until } from '#libs/testing';
import { attemptIdOf } from '../replication/domain/replication.state.js';
import { ASSIGNMENT_CHANGED } from './control-channel.js';
import { type Identity, type Migration, TransferScene, openTransferDatabase } from './transfer-scene.fake.js';

let dataSource: DataSource;
let scene: TransferScene;
const store = new EventStoreDb(inject('eventStoreUrl'));
const bus = new ServiceBus(inject('natsUrl'), 'transfer');
beforeAll(async () => {
  dataSource = await openTransferDatabase(inject('databaseUrl'));
  await bus.connect();
  scene = new TransferScene(store, dataSource, bus);
});
afterEach(() => scene.end());
afterAll(async () => {
  await bus.close();
  await dataSource.destroy();
  await store.close();
});

const typesOf = async (events: Promise<readonly { readonly type: string }[]>) => (await events).map(({ type }) => type);
const endpointTypes = ({ endpointId }: Identity) => typesOf(scene.endpointEvents(endpointId));
const replicationTypes = ({ taskId }: Migration) => typesOf(scene.replicationEvents(taskId));
/** As to its form; nobody here looks into it. */
const certificate = (body: string): string => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
const untilConnected = (end: Identity, times = 1) =>
  until('the endpoint to be connected', async () => {
    const types = await endpointTypes(end);
    return types.filter((type) => type === 'EndpointConnected').length === times;
  });

describe('an endpoint that connects', () => {
  it('is recorded with its server, and gets what it should be doing', async () => {
    const server = await scene.startServer();
    const { restorer, roundId, taskId } = await scene.startMigration();
    const inHand = attemptIdOf({ roundId, attempt: 1 });
    const end = scene.startEnd(server, restorer, inHand);
    await until('the assignment', () => end.assignments.length > 0);
    expect(end.assignments).toMatchObject([{ kind: 'serve-exports', assignmentId: inHand, taskId, roundId }]);
    const [, connected] = await scene.endpointEvents(restorer.endpointId);
    expect(connected).toMatchObject({
      type: 'EndpointConnected',
      data: { serverId: server.lease.serverId, software: 'test' },
    });
    expect(await replicationTypes({ taskId } as Migration)).not.toContain('SyncRoundFailed');
  });

  it('is noted by its tasks before it is told anything: a restorer without its work lost the round', async () => {
    const server = await scene.startServer();
    const migration = await scene.startMigration();
    const end = scene.startEnd(server, migration.restorer);
    // News that come while it connects must not get ahead either.
    for (let count = 0; count < 5; count += 1) {
      bus.publishNews(ASSIGNMENT_CHANGED, { endpointId: migration.restorer.endpointId });
    }
    await until('the assignment', () => end.assignments.length > 0);
    expect(end.assignments[0]).toMatchObject({ kind: 'idle' });
    expect((await scene.replicationEvents(migration.taskId)).at(-1)).toMatchObject({
      type: 'SyncRoundFailed',
      data: { failure: { code: 'RESTORER_RESTARTED' } },
    });
    const recorded = await store.readStream(`replication-${migration.taskId}`);
    const [, connected] = await store.readStream(`endpoint-${migration.restorer.endpointId}`);
    expect(recorded.at(-1)?.metadata).toMatchObject({
      correlationId: migration.taskId,
      causationId: connected?.id,
      actor: `endpoint:${migration.restorer.endpointId}`,
    });
  });

  it('gets another assignment when there is news of one, and dials again when it cannot be worked out', async () => {
    const server = await scene.startServer();
    const migration = await scene.startMigration();
    const { agent, taskId } = migration;
    const end = scene.startEnd(server, agent);
    await until('the assignment', () => end.assignments.length > 0);
    expect(end.assignments).toMatchObject([{ kind: 'sync-round' }]);
    await scene.tell(taskId, { type: 'PauseReplication' });
    bus.publishNews(ASSIGNMENT_CHANGED, { endpointId: agent.endpointId });
    await until('another assignment', () => end.assignments.length > 1);
    expect(end.assignments[1]).toMatchObject({ kind: 'idle' });
    await dataSource.query('ALTER TABLE replication RENAME TO replication_away');
    try {
      bus.publishNews(ASSIGNMENT_CHANGED, { endpointId: agent.endpointId });
      await until('the connection to end', async () => (await endpointTypes(agent)).includes('EndpointDisconnected'));
    } finally {
      await dataSource.query('ALTER TABLE replication_away RENAME TO replication');
    }
    await until('the same assignment again', () => end.assignments.length > 2);
    expect(end.assignments[2]).toMatchObject({ kind: 'idle' });
  });

  describe('while NATS is away', () => {
    let link: CuttableLink;
    let cutOff: ServiceBus;
    let behindLink: TransferScene;
    beforeEach(async () => {
      link = await CuttableLink.to(new URL(inject('natsUrl')));
      const url = new URL(inject('natsUrl'));
      url.port = String(link.port);
      cutOff = new ServiceBus(url.href, 'cut off');
      behindLink = new TransferScene(store, dataSource, cutOff);
    });
    afterEach(async () => {
      await behindLink.end();
      await cutOff.close();
      await link.cut();
    });

    it.each([
      ['its server cannot hear news', 'server'],
      ['another replica cannot tell them', 'other'],
    ] as const)('gets another assignment afterwards, though %s', async (_, whoIsAway) => {
      const [near, far] = [await scene.startServer(), await behindLink.startServer()];
      const { agent, taskId } = await scene.startMigration();
      const end = scene.startEnd(whoIsAway === 'server' ? far : near, agent);
      await until('the assignment', () => end.assignments.length > 0);
      await link.cut();
      await scene.tell(taskId, { type: 'PauseReplication' });
      (whoIsAway === 'server' ? bus : cutOff).publishNews(ASSIGNMENT_CHANGED, { endpointId: agent.endpointId });
      await link.mend();
      await until('another assignment', () => end.assignments.at(-1)?.kind === 'idle');
    });

    it('gets another assignment afterwards, though NATS was not there when its server began', async () => {
      await link.cut();
      const server = behindLink.beginServer();
      const { agent, taskId } = await scene.startMigration();
      await until('the server to listen', () => server.channel.port > 0);
      const end = scene.startEnd(server, agent);
      await until('the assignment', () => end.assignments.length > 0);
      await scene.tell(taskId, { type: 'PauseReplication' });
      bus.publishNews(ASSIGNMENT_CHANGED, { endpointId: agent.endpointId });
      await link.mend();
      await until('another assignment', () => end.assignments.at(-1)?.kind === 'idle');
      await server.begun;
    });
  });

  it('is to serve the agent that shows the certificate of its newest process, and is told none of one without', async () => {
    const server = await scene.startServer();
    const { agent, restorer, roundId } = await scene.startMigration();
    const end = scene.startEnd(server, restorer, attemptIdOf({ roundId, attempt: 1 }));
    const next = async (count: number): Promise<unknown> => {
      bus.publishNews(ASSIGNMENT_CHANGED, { endpointId: restorer.endpointId });
      return until('an assignment', () => end.assignments[count]);
    };
    expect(await until('the first assignment', () => end.assignments[0])).not.toHaveProperty('clientCertificate');
    const first = scene.startEnd(server, agent, null, certificate('AAAA'));
    await untilConnected(agent);
    expect(await next(1)).toMatchObject({ kind: 'serve-exports', clientCertificate: certificate('AAAA') });
    await first.stop();
    scene.startEnd(server, agent, null, certificate('BBBB'));
    await untilConnected(agent, 2);
    expect(await next(2)).toMatchObject({ kind: 'serve-exports', clientCertificate: certificate('BBBB') });
  });

  it('may report of its round from its connection, with the age of the report', async () => {
    const server = await scene.startServer();
    const migration = await scene.startMigration();
    const { roundId, taskId, agent } = migration;
    const end = scene.startEnd(server, agent);
    const assignmentId = attemptIdOf({ roundId, attempt: 1 });
    const report = { kind: 'link-established', taskId, roundId, assignmentId, comparison: 'all-blocks' } as const;
    expect(await end.link.report(report)).toBe('acknowledged');
    expect((await replicationTypes(migration)).slice(-2)).toEqual(['LinkEstablished', 'ResumeWindowClosed']);
  });
});

describe('an endpoint whose connection ends', () => {
  it('is recorded as such when it leaves, and is not when another connection has taken its place', async () => {
    const server = await scene.startServer();
    const agent = await scene.enrol('agent');
    const first = scene.startEnd(server, agent);
    await untilConnected(agent);
    const second = scene.startEnd(server, agent);
    await untilConnected(agent, 2);
    await first.stop();
    await until('one connection', () => server.channel.connections().length === 1);
    expect(await endpointTypes(agent)).toEqual(['EndpointEnrolled', 'EndpointConnected', 'EndpointConnected']);
    await second.stop();
    await until('it to have left', async () => (await endpointTypes(agent)).at(-1) === 'EndpointDisconnected');
  });

  it('has not left when its server ends in order: it is on its way to another one', async () => {
    const [first, second] = [await scene.startServer(), await scene.startServer()];
    const agent = await scene.enrol('agent');
    const end = scene.startEnd(first, agent);
    await untilConnected(agent);
    await first.end();
    expect(await endpointTypes(agent)).toEqual(['EndpointEnrolled', 'EndpointConnected']);
    await end.stop();
    scene.startEnd(second, agent);
    await untilConnected(agent, 2);
    expect((await scene.endpointEvents(agent.endpointId)).at(-1)).toMatchObject({
      data: { serverId: second.lease.serverId },
    });
  });

  it('is not let in again once it is revoked', async () => {
    const server = await scene.startServer();
    const restorer = await scene.enrol('restorer');
    await scene.tellEndpoint(restorer.endpointId, { type: 'RevokeEndpoint' });
    await expect(scene.startEnd(server, restorer).ended).rejects.toBeInstanceOf(LinkRefusedError);
  });
});

describe('the progress of a round', () => {
  it("goes to who watches; a restorer's own view of it only tells that data flows", async () => {
    const server = await scene.startServer();
    const { taskId, restorer, roundId } = await scene.startMigration();
    const inHand = attemptIdOf({ roundId, attempt: 1 });
    const end = scene.startEnd(server, restorer, inHand);
    await until('the assignment', () => end.assignments.length > 0);
    const watched: unknown[] = [];
    const leave = await bus.subscribeToNews(progressSubject(taskId), (progress) => watched.push(progress));
    const progress = (activity: EndpointProgress['activity'], processedBytes: number): EndpointProgress => ({
      taskId,
      assignmentId: inHand,
      at: new Date().toISOString(),
      activity,
      disks: [{ diskId: 'a', diskBytes: 9, plannedBytes: 9, processedBytes, sentBytes: 0, acknowledgedBytes: 0 }],
    });
    const before = new Date().toISOString();
    for (const [activity, bytes] of [
      ['serving', 1],
      ['serving', 2],
      ['digesting', 3],
    ] as const) {
      end.link.progress(progress(activity, bytes));
    }
    await until('the progress', () => watched.length > 0);
    leave();
    expect(watched).toMatchObject([{ activity: 'digesting' }]);
    const seenAt = server.dataSeen.newestOf(taskId);
    expect(seenAt !== null && seenAt >= before && seenAt <= new Date().toISOString()).toBe(true);
  });
});
