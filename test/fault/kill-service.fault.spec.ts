import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { EventStoreDb } from '#libs/eventstore';
import { load } from '#libs/eventsourcing';
import { type LocalStack, startLocalStack } from '#libs/local-stack';
import { replications } from '../../apps/transfer/src/replication/replication.aggregate.js';
import { SERVER_FOLDER } from '../../infra/demo/run-folder/clean-up-run.js';
import { Cleanup } from '../../infra/demo/steps/cleanup.js';
import { compareUsedBlocks, usedBlocksOfExt4 } from '../../infra/demo/target-check/index.js';
import { Operator } from '../e2e/migration/operator.js';
import { SourceMachine } from '../e2e/migration/source-machine.js';
import { targetImageOf } from '../e2e/migration/target-disk.js';
import { makeTestFolder, removeTestFolder } from '../e2e/migration/test-folder.js';
import { EventNodeProcess } from './processes/event-node-process.js';
import { SERVICES, ServiceProcesses } from './processes/service-processes.js';
import { TargetDiskServer } from './processes/target-disk-server.js';

const MIB = 1024 * 1024;
const DISK_MIB = 320;
const LEAST_USED_BYTES = 64 * MIB;

/**
 * All of these must degrade: the round in hand goes on without whoever was killed, and once that is there again the
 * migration goes on to an identical target, without a person and without a second full round.
 */
describe('kill -9 in the middle of the full round', () => {
  let folder: string;
  let eventNode: EventNodeProcess;
  let stack: LocalStack;
  let services: ServiceProcesses;
  let operator: Operator;
  let siteId: string;
  let machine: SourceMachine | null = null;
  let machines = 0;

  const cleanup = new Cleanup();

  beforeAll(async () => {
    folder = await makeTestFolder();
    cleanup.add('remove the folder', () => removeTestFolder(folder));
    eventNode = await EventNodeProcess.start(folder);
    cleanup.add('stop the event node', () => eventNode.stop());
    stack = await startLocalStack({
      folder: join(folder, SERVER_FOLDER, 'stack'),
      env: { ...process.env, EVENTSTORE_URL: eventNode.url },
      isDisposable: true,
    });
    cleanup.add('stop the servers', () => stack.stop());
    services = await ServiceProcesses.start(folder, stack);
    cleanup.add('stop the services', () => services.stop());
    operator = new Operator(services.gatewayUrl, services.apiKey);
    ({ siteId } = await operator.registerSite('fault'));
  });

  afterEach(async () => {
    await machine?.remove();
    machine = null;
  });

  afterAll(async () => {
    expect(await cleanup.run()).toEqual([]);
  });

  it.each(SERVICES)('of %s must degrade: the target is identical', async (name) => {
    onTestFailed(async () => console.error(await services.lastWords()));
    await migrate(
      () => services.kill(name),
      () => services.startAgain(name),
    );
  });

  it('of all services at once must degrade: the target is identical', async () => {
    onTestFailed(async () => console.error(await services.lastWords()));
    await migrate(
      () => services.kill(...SERVICES),
      () => services.startAgain(...SERVICES),
    );
  });

  it('of the event node must degrade: the target is identical', async () => {
    onTestFailed(async () => console.error(await services.lastWords()));
    await migrate(
      () => eventNode.kill(),
      async () => {
        await eventNode.startAgain();
        await services.untilHealthy();
      },
    );
  });

  /** Migrates a machine of its own; the two faults happen while its full round is in hand, half written. */
  async function migrate(kill: () => Promise<void>, startAgain: () => Promise<void>): Promise<void> {
    machines += 1;
    const name = `machine-${machines}`;
    const source = await SourceMachine.start({ folder, name, sizeMiB: DISK_MIB, fileCount: 300 }, operator);
    machine = source;
    const { disk, diskId, sourceMachineId } = source;
    const usedBytes = await disk.usedBytes();
    const { taskId, targetVmId } = await operator.createTask({ name, sourceMachineId, siteId });

    const diskServer = await TargetDiskServer.holdAtBegin(folder, targetVmId);
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
    const used = await usedBlocksOfExt4(disk.partitionDevice);
    const blocks = await compareUsedBlocks(disk.device, targetImageOf(folder, targetVmId, diskId), used);
    expect(blocks).toMatchObject({ isEqual: true, differing: [] });
    expect(blocks.comparedBytes).toBeGreaterThan(LEAST_USED_BYTES);
  }

  const inStore = async <Result>(work: (store: EventStoreDb) => Promise<Result>): Promise<Result> => {
    const store = new EventStoreDb(stack.eventStoreUrl);
    return work(store).finally(() => store.close());
  };
});
