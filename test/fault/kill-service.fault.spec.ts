import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { EventStoreDb } from '#libs/eventstore';
import { load } from '#libs/eventsourcing';
import { replications } from '../../apps/transfer/src/replication/replication.aggregate.js';
import type { SourceMachine } from '../e2e/migration/source-machine.js';
import { expectIdenticalTarget } from './identical-target.js';
import { MigrationScene } from './migration-scene.js';
import { SERVICES } from './processes/service-processes.js';
import { TargetDiskServer } from './processes/target-disk-server.js';

const DISK = { sizeMiB: 320, fileCount: 300 };

/**
 * All of these must degrade: the round in hand goes on without whoever was killed, and once that is there again the
 * migration goes on to an identical target, without a person and without a second full round.
 */
describe('kill -9 in the middle of the full round', () => {
  let scene: MigrationScene;
  let machine: SourceMachine | null = null;

  beforeAll(async () => {
    scene = await MigrationScene.start();
  });

  afterEach(async () => {
    await machine?.remove();
    machine = null;
  });

  afterAll(() => scene.end());

  it.each(SERVICES)('of %s must degrade: the target is identical', async (name) => {
    onTestFailed(async () => console.error(await scene.services.lastWords()));
    await migrate(
      () => scene.services.kill(name),
      () => scene.services.startAgain(name),
    );
  });

  it('of all services at once must degrade: the target is identical', async () => {
    onTestFailed(async () => console.error(await scene.services.lastWords()));
    await migrate(
      () => scene.services.kill(...SERVICES),
      () => scene.services.startAgain(...SERVICES),
    );
  });

  it('of the event node must degrade: the target is identical', async () => {
    onTestFailed(async () => console.error(await scene.services.lastWords()));
    await migrate(
      () => scene.servers.eventNode.kill(),
      async () => {
        await scene.servers.eventNode.startAgain();
        await scene.services.untilHealthy();
      },
    );
  });

  /** Migrates a machine of its own; the two faults happen while its full round is in hand, half written. */
  async function migrate(kill: () => Promise<void>, startAgain: () => Promise<void>): Promise<void> {
    const { operator } = scene;
    const started = await scene.startMigration(DISK, {});
    const { taskId, targetVmId } = started;
    machine = started.machine;
    const { disk } = machine;
    const usedBytes = await disk.usedBytes();

    const diskServer = await TargetDiskServer.holdAtBegin(scene.folder, targetVmId);
    await inStore(async (store) => {
      const acknowledged = async (): Promise<boolean> =>
        (await store.readStream(`acknowledgedRanges-${taskId}`)).length > 0;
      await diskServer.workUntil('the first acknowledged ranges', acknowledged);
      const { state } = await load(store, replications, taskId);
      expect(state?.round).toMatchObject({ number: 1, kind: 'full' });
    });
    await kill();
    diskServer.release();
    await startAgain();

    await operator.untilCutoverPossible(taskId);
    await disk.remountReadOnly();
    await operator.requestCutover(taskId);
    await operator.confirmSourceServicesStopped(taskId);
    const { replication } = await operator.untilCompleted(taskId);

    expect(replication?.rounds).toMatchObject([
      { roundKind: 'full', status: 'completed' },
      { roundKind: 'final', status: 'completed' },
    ]);
    expect(replication?.rounds[0]?.disks[0]?.sentBytes).toBeLessThanOrEqual(1.15 * usedBytes);
    expect(replication?.verification).toMatchObject({ status: 'verified', failure: null });
    expect(replication?.verification.target).toHaveLength(1);
    expect(replication?.verification.target).toEqual(replication?.verification.source);
    await expectIdenticalTarget(scene.folder, machine, targetVmId);
  }

  const inStore = async <Result>(work: (store: EventStoreDb) => Promise<Result>): Promise<Result> => {
    const store = new EventStoreDb(scene.servers.stack.eventStoreUrl);
    return work(store).finally(() => store.close());
  };
});
