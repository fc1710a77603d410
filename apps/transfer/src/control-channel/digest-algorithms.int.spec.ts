import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { DigestAlgorithm } from '#libs/contracts';
import { EventStoreDb } from '#libs/eventstore';
import { ServiceBus } from '#libs/messaging';
import { until } from '#libs/testing';
import { attemptIdOf } from '../replication/domain/replication.state.js';
import { EXPORTS, digests, results } from '../replication/replication.examples.js';
import { type Migration, TransferScene, openTransferDatabase } from './transfer-scene.fake.js';

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

const by = (digestAlgorithm: DigestAlgorithm) => ({ digestAlgorithm });
const newest = async (taskId: string) => (await scene.replicationEvents(taskId)).at(-1);

/** Both rounds are done, digested by the agent in its own way. @returns the verification that has begun */
async function untilVerifying(
  { taskId, roundId, agent, restorer }: Migration & { roundId: string },
  algorithm: DigestAlgorithm,
) {
  const disks = results().map((disk) => ({ ...disk, ...by(algorithm) }));
  await scene.tell(taskId, { type: 'CompleteSyncRound', roundId, disks });
  await scene.tell(taskId, { type: 'StartFinalSync' });
  const started = (await scene.replicationEvents(taskId)).findLast(({ type }) => type === 'SyncRoundStarted');
  const { roundId: finalId } = started?.data as { roundId: string };
  await scene.tell(taskId, { type: 'NoteExportsOpened', roundId: finalId, attempt: 1, exports: EXPORTS });
  await scene.tell(taskId, { type: 'CompleteSyncRound', roundId: finalId, disks });
  await scene.tell(taskId, { type: 'StartVerification' });
  await scene.project(taskId, agent.endpointId, restorer.endpointId);
}

describe('the digest algorithm of a task', () => {
  it('is what the agent gets with its round', async () => {
    const server = await scene.startServer();
    for (const algorithm of ['sha256', 'blake3'] as const) {
      const migration = await scene.startMigration(by(algorithm));
      const agent = scene.startEnd(server, migration.agent, attemptIdOf({ roundId: migration.roundId, attempt: 1 }));
      await until('the assignment', () => agent.assignments.length > 0);
      expect(agent.assignments).toMatchObject([{ kind: 'sync-round', ...by(algorithm) }]);
    }
  });

  it.each([
    ['verified', 'the restorer digests as the agent did', 'sha256', { type: 'ReplicaVerified' }],
    [
      'refused, and not taken for different',
      'the restorer digests in another way',
      'blake3',
      { type: 'VerificationFailed', data: { failure: { code: 'DIGESTS_NOT_COMPARABLE' } } },
    ],
  ] as const)('ends as %s when %s', async (_end, _when, ofTarget, outcome) => {
    const server = await scene.startServer();
    // An agent of an earlier version goes on with the only algorithm that it knows.
    const migration = await scene.startMigration(by('blake3'));
    const { taskId } = migration;
    await untilVerifying(migration, 'sha256');
    const restorer = scene.startEnd(server, migration.restorer);
    await until('the assignment', () => restorer.assignments.length > 0);
    const [assigned] = restorer.assignments;
    expect(assigned).toMatchObject({ kind: 'compute-digests', ...by('sha256') });
    const { assignmentId } = assigned!;
    expect(await restorer.link.report({ kind: 'digests-begun', taskId, assignmentId })).toBe('acknowledged');
    const disks = digests().map((disk) => ({ ...disk, ...by(ofTarget) }));
    expect(await restorer.link.report({ kind: 'digests-computed', taskId, assignmentId, disks })).toBe('acknowledged');
    expect(await newest(taskId)).toMatchObject(outcome);
  });
});
