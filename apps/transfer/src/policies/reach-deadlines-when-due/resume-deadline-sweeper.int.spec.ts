import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { EventStoreDb } from '#libs/eventstore';
import { ServiceBus } from '#libs/messaging';
import { until } from '#libs/testing';
import { DataSeen } from '../../control-channel/data-seen/data-seen.js';
import {
  type Identity,
  type Migration,
  TransferScene,
  openTransferDatabase,
  transferConfig,
} from '../../control-channel/transfer-scene.fake.js';
import { ResumeDeadlineSweeper } from './resume-deadline-sweeper.js';

let dataSource: DataSource;
let scene: TransferScene;
const store = new EventStoreDb(inject('eventStoreUrl'));
const bus = new ServiceBus(inject('natsUrl'), 'transfer');
beforeAll(async () => {
  dataSource = await openTransferDatabase(inject('databaseUrl'));
  await bus.connect();
  scene = new TransferScene(store, dataSource, bus);
});
afterAll(async () => {
  await bus.close();
  await dataSource.destroy();
  await store.close();
});

const WINDOW_SECONDS = 900;
const replica = (dataSeen = new DataSeen(bus), settings: NodeJS.ProcessEnv = {}) =>
  new ResumeDeadlineSweeper(store, dataSource, dataSeen, transferConfig(settings));

/** A full round transfers, and from so many seconds after now on the agent is away. */
const agentAway = async (seconds = 0) => {
  const migration = await scene.startMigration({ resumeWindowSeconds: WINDOW_SECONDS });
  const { taskId, roundId, agent } = migration;
  const begin = Date.now() + seconds * 1000;
  const after = (seconds: number) => new Date(begin + seconds * 1000);
  const at = after(0).toISOString();
  await scene.tell(taskId, { type: 'NoteLinkEstablished', roundId, attempt: 1, comparison: 'all-blocks', at });
  await scene.tell(taskId, { type: 'NoteEndAway', end: 'agent', at });
  await scene.project(taskId);
  const before = (await scene.replicationEvents(taskId)).length;
  const since = async () => (await scene.replicationEvents(taskId)).slice(before);
  return { ...migration, agent, after, since };
};

/** Progress of a restorer in two steps, the second of which is growth. */
const seeData = (dataSeen: DataSeen, { taskId }: Migration, at: Date): void => {
  for (const processedBytes of [1, 2]) {
    const disk = { diskId: 'a', diskBytes: 9, plannedBytes: 9, processedBytes, sentBytes: 0, acknowledgedBytes: 0 };
    dataSeen.observe({ taskId, assignmentId: taskId, at: at.toISOString(), activity: 'serving', disks: [disk] }, at);
  }
};
const connect = ({ endpointId }: Identity) =>
  scene.tellEndpoint(endpointId, { type: 'NoteConnected', connectionId: randomUUID(), software: 'test' });

describe('the sweep for resume windows', () => {
  it('expires a window at its deadline, once, however many sweep and though the read model is late', async () => {
    const { taskId, after, since } = await agentAway();
    const [one, other] = [replica(), replica()];
    await one.sweep(after(WINDOW_SECONDS - 1));
    expect(await since()).toEqual([]);
    await Promise.all([one.sweep(after(WINDOW_SECONDS)), other.sweep(after(WINDOW_SECONDS))]);
    await other.sweep(after(WINDOW_SECONDS + 1));
    expect(await since()).toMatchObject([
      { type: 'ResumeWindowExpired', data: { deadlineAt: after(WINDOW_SECONDS).toISOString() } },
      { type: 'SyncRoundFailed', data: { failure: { code: 'AGENT_LOST' } } },
    ]);
    const recorded = (await store.readStream(`replication-${taskId}`)).at(-1);
    expect(recorded?.metadata).toMatchObject({ correlationId: taskId, actor: 'service:transfer' });
  });

  it('extends it from when data was last seen, and comes back at the new deadline', async () => {
    const migration = await agentAway();
    const { taskId, after, since } = migration;
    const dataSeen = new DataSeen(bus);
    const sweeper = replica(dataSeen);
    seeData(dataSeen, migration, after(600));
    await sweeper.sweep(after(WINDOW_SECONDS));
    const deadlineAt = after(600 + WINDOW_SECONDS).toISOString();
    expect(await since()).toMatchObject([{ type: 'ResumeWindowExtended', data: { deadlineAt } }]);
    await sweeper.sweep(after(WINDOW_SECONDS + 1)); // the read model is late
    expect(await since()).toHaveLength(1);
    await scene.project(taskId);
    await sweeper.sweep(after(600 + WINDOW_SECONDS));
    expect((await since()).map(({ type }) => type).slice(1)).toEqual(['ResumeWindowExpired', 'SyncRoundFailed']);
  });

  it('takes an agent that is connected for one at work', async () => {
    const { agent, after, since } = await agentAway();
    await connect(agent);
    await replica().sweep(after(WINDOW_SECONDS));
    expect(await since()).toMatchObject([
      { type: 'ResumeWindowExtended', data: { seenAt: after(WINDOW_SECONDS).toISOString() } },
    ]);
  });

  it('takes neither for the end of any other wait', async () => {
    const migration = await agentAway();
    const { agent, taskId, roundId, after, since } = migration;
    await scene.tell(
      taskId,
      { type: 'NoteLinkLost', roundId, attempt: 1, at: after(0).toISOString(), detail: 'gone' },
      after(1).toISOString(),
    );
    await scene.project(taskId);
    await connect(agent);
    const dataSeen = new DataSeen(bus);
    seeData(dataSeen, migration, after(600));
    await replica(dataSeen).sweep(after(WINDOW_SECONDS));
    expect((await since()).slice(-2)).toMatchObject([
      { type: 'ResumeWindowExpired', data: { cause: 'link-lost' } },
      { type: 'SyncRoundFailed', data: { failure: { code: 'RESUME_WINDOW_EXPIRED' } } },
    ]);
  });

  it('starts the round again when its retry is due', async () => {
    const { taskId, roundId } = await scene.startMigration({ retryDelaySeconds: 60 });
    const now = new Date();
    await scene.tell(
      taskId,
      { type: 'FailSyncRound', roundId, code: 'EXPORT_FAILED', detail: 'It ended.' },
      now.toISOString(),
    );
    await scene.project(taskId);
    const started = async () =>
      (await scene.replicationEvents(taskId)).filter(({ type }) => type === 'SyncRoundStarted').slice(1);
    await replica().sweep(new Date(now.getTime() + 59_000));
    expect(await started()).toEqual([]);
    await Promise.all([replica(), replica()].map((each) => each.sweep(new Date(now.getTime() + 60_000))));
    expect(await started()).toMatchObject([{ data: { trigger: 'retry', number: 2 } }]);
  });

  it('passes over a task that cannot be told', async () => {
    const [broken, sound] = [await agentAway(), await agentAway()];
    await dataSource.query(`UPDATE replication SET state = jsonb_set(state, '{taskId}', '"no-uuid"') WHERE id = $1`, [
      broken.taskId,
    ]);
    await replica().sweep(sound.after(WINDOW_SECONDS + 60));
    expect((await sound.since()).map(({ type }) => type)).toContain('SyncRoundFailed');
    expect(await broken.since()).toEqual([]);
    await dataSource.query('DELETE FROM replication WHERE id = $1', [broken.taskId]);
  });

  it('sweeps by itself, after the time that ends get to come back, and leaves the deadline as it was', async () => {
    const { taskId, after, since } = await agentAway(-WINDOW_SECONDS);
    const sweeper = replica(new DataSeen(bus), { DEADLINE_SETTLE_SECONDS: '1' });
    const startedAt = Date.now();
    sweeper.onApplicationBootstrap();
    const [expired] = await until('the sweep', async () => {
      const events = await since();
      return events.length > 0 && events;
    });
    await sweeper.beforeApplicationShutdown();
    expect(expired).toMatchObject({
      type: 'ResumeWindowExpired',
      data: { deadlineAt: after(WINDOW_SECONDS).toISOString() },
    });
    const recorded = (await store.readStream(`replication-${taskId}`)).at(-1);
    expect(Date.parse(recorded?.metadata.occurredAt ?? '') - startedAt).toBeGreaterThanOrEqual(990);
  });
});
