import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { commandOutput } from '../../infra/demo/machine/run-command.js';
import { SERVER_FOLDER, TARGET_VMS_FOLDER } from '../../infra/demo/run-folder/clean-up-run.js';
import { usedBlocksOfExt4 } from '../../infra/demo/target-check/index.js';
import { targetImageOf } from '../e2e/migration/target-disk.js';
import { expectIdenticalTarget } from './identical-target.js';
import { MigrationScene } from './migration-scene.js';
import { LONG_WINDOW, MigrationsUnderFault } from './migrations-under-fault.js';

const ROOM_MIB = 96;
const ENOUGH_ROOM_MIB = 1024;

describe("a target's storage", () => {
  let scene: MigrationScene;
  let migrations: MigrationsUnderFault;
  let storage: string;

  beforeAll(async () => {
    scene = await MigrationScene.start();
    migrations = new MigrationsUnderFault(scene);
    storage = join(scene.folder, SERVER_FOLDER, TARGET_VMS_FOLDER);
    await commandOutput('mkdir', ['-p', storage]);
    await commandOutput('mount', ['-t', 'tmpfs', '-o', `size=${ENOUGH_ROOM_MIB}m`, 'tmpfs', storage]);
  });
  afterEach(() => migrations.endCurrent());
  afterAll(() => scene.end());

  it('that runs full must stop the round, which goes on with the rest once there is room', async () => {
    await commandOutput('mount', ['-o', `remount,size=${ROOM_MIB}m`, storage]);
    const { migration, taskId } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
    await scene.network.mend();
    expect((await migration.untilFailed(1)).failure).toMatchObject({ code: 'TARGET_DISK_FULL' });
    await commandOutput('mount', ['-o', `remount,size=${ENOUGH_ROOM_MIB}m`, storage]);
    await scene.operator.startRound(taskId);
    const rounds = await migration.complete();
    expect(rounds[1]).toMatchObject({ trigger: 'manual', status: 'completed', comparison: 'rescan' });
  });

  it('that is damaged must stop the take-over, and a retry sends everything again', async () => {
    const { migration, taskId, targetVmId, machine } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
    const { operator } = scene;
    await scene.network.mend();
    await operator.untilCutoverPossible(taskId);
    await migration.untilActivity('idle');
    await machine.disk.remountReadOnly();
    // Content of a file: metadata may have changed since, and would be sent, and mended, by the final round as it is.
    const used = (await usedBlocksOfExt4(machine.disk.partitionDevice)).at(-1);
    const image = await open(targetImageOf(scene.folder, targetVmId, machine.diskId), 'r+');
    await image.write(Buffer.alloc(4096, 0xa5), 0, 4096, used?.offsetBytes);
    await image.close();

    await operator.requestCutover(taskId);
    await operator.confirmSourceServicesStopped(taskId);
    await operator.untilSeen(taskId, 'the difference', ({ task }) =>
      task.halt?.code === 'REPLICA_DIFFERED' ? true : undefined,
    );
    await operator.retry(taskId);
    const { replication } = await operator.untilCompleted(taskId);
    expect(replication?.rounds.slice(-2)).toMatchObject([
      { roundKind: 'final', resend: false, status: 'completed' },
      { roundKind: 'final', resend: true, status: 'completed', comparison: 'all-blocks' },
    ]);
    await expectIdenticalTarget(scene.folder, machine, targetVmId);
  });
});
