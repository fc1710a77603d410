import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DIGEST_BLOCK_BYTES } from '#libs/block-transfer';
import type { ByteRange } from '#libs/contracts';
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

  it('that is damaged once must be repaired where it is damaged, and verified again', async () => {
    const { taskId, targetVmId, machine, block, image } = await untilCutoverOverDamage();
    await damage(image, block);
    await cutOver(taskId);
    const { replication } = await scene.operator.untilCompleted(taskId);
    expect(replication?.rounds.slice(-2)).toMatchObject([
      { roundKind: 'final', trigger: 'itinerary', status: 'completed' },
      { roundKind: 'final', trigger: 'repair', resend: false, status: 'completed' },
    ]);
    const repaired = { blockCount: 1, ranges: [block] };
    expect(replication?.rounds.at(-1)?.disks).toMatchObject([{ repaired, sentBytes: block.lengthBytes }]);
    await expectIdenticalTarget(scene.folder, machine, targetVmId);
  });

  it('that is damaged again after its repair must stop the take-over, and a retry sends everything again', async () => {
    const { taskId, targetVmId, machine, block, image } = await untilCutoverOverDamage();
    let isKept = false;
    const keepDamaging = async (): Promise<void> => {
      while (!isKept) {
        await damage(image, block);
        await pause(1);
      }
    };
    const damaging = keepDamaging();
    try {
      await cutOver(taskId);
      await scene.operator.untilSeen(taskId, 'the difference', ({ task }) =>
        task.halt?.code === 'REPLICA_DIFFERED' ? true : undefined,
      );
    } finally {
      isKept = true;
      await damaging;
    }
    await scene.operator.retry(taskId);
    const { replication } = await scene.operator.untilCompleted(taskId);
    expect(replication?.rounds.slice(-3)).toMatchObject([
      { roundKind: 'final', trigger: 'itinerary', resend: false, status: 'completed' },
      { roundKind: 'final', trigger: 'repair', resend: false, status: 'completed' },
      { roundKind: 'final', trigger: 'itinerary', resend: true, status: 'completed', comparison: 'all-blocks' },
    ]);
    await expectIdenticalTarget(scene.folder, machine, targetVmId);
  });

  /** The source is at rest, and a block of a file on the target is chosen. */
  async function untilCutoverOverDamage() {
    const { migration, taskId, targetVmId, machine } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
    await scene.network.mend();
    await scene.operator.untilCutoverPossible(taskId);
    await migration.untilActivity('idle');
    await machine.disk.remountReadOnly();
    // Content of a file: metadata may have changed since, and would be sent, and mended, by the final round as it is.
    const used = (await usedBlocksOfExt4(machine.disk.partitionDevice)).at(-1);
    if (used === undefined) throw new Error('nothing is used');
    const offsetBytes = used.offsetBytes - (used.offsetBytes % DIGEST_BLOCK_BYTES);
    const block = { offsetBytes, lengthBytes: DIGEST_BLOCK_BYTES };
    const image = targetImageOf(scene.folder, targetVmId, machine.diskId);
    return { taskId, targetVmId, machine, block, image };
  }

  async function cutOver(taskId: string): Promise<void> {
    await scene.operator.requestCutover(taskId);
    await scene.operator.confirmSourceServicesStopped(taskId);
  }
});

async function damage(path: string, { offsetBytes, lengthBytes }: ByteRange): Promise<void> {
  const image = await open(path, 'r+');
  try {
    await image.write(Buffer.alloc(4096, 0xa5), 0, 4096, offsetBytes + lengthBytes - 4096);
  } finally {
    await image.close();
  }
}
