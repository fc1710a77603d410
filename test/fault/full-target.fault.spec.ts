import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { commandOutput } from '../../infra/demo/machine/run-command.js';
import { SERVER_FOLDER, TARGET_VMS_FOLDER } from '../../infra/demo/run-folder/clean-up-run.js';
import { MigrationScene } from './migration-scene.js';
import { LONG_WINDOW, MigrationsUnderFault } from './migrations-under-fault.js';

const ROOM_MIB = 96;
const ENOUGH_ROOM_MIB = 1024;

describe("a target's storage that runs full", () => {
  let scene: MigrationScene;
  let migrations: MigrationsUnderFault;
  let storage: string;

  beforeAll(async () => {
    scene = await MigrationScene.start();
    migrations = new MigrationsUnderFault(scene);
    storage = join(scene.folder, SERVER_FOLDER, TARGET_VMS_FOLDER);
    await commandOutput('mkdir', ['-p', storage]);
    await commandOutput('mount', ['-t', 'tmpfs', '-o', `size=${ROOM_MIB}m`, 'tmpfs', storage]);
  });
  afterEach(() => migrations.endCurrent());
  afterAll(() => scene.end());

  it('must stop, and goes on with the rest once there is room', async () => {
    const { migration, taskId } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
    await scene.network.mend();
    expect((await migration.untilFailed(1)).failure).toMatchObject({ code: 'TARGET_DISK_FULL' });
    await commandOutput('mount', ['-o', `remount,size=${ENOUGH_ROOM_MIB}m`, storage]);
    await scene.operator.startRound(taskId);
    const rounds = await migration.complete();
    expect(rounds[1]).toMatchObject({ trigger: 'manual', status: 'completed', comparison: 'rescan' });
  });
});
