import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { machineInventory } from '#libs/contracts';
import { collectInventory } from './collect-inventory.js';

const MIB = 1024 ** 2;
const TABLE_ID = '0b1d58b4-6b3e-4b8f-9a53-6d0c7a1f2e30';
const mayMakeLoopDevices = process.getuid?.() === 0;

const run = (program: string, args: readonly string[], input = '') =>
  execFileSync(program, args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }).trim();

/** Needs root: a real image with GPT, ext4, swap and an unformatted partition on a real loop device. */
describe.skipIf(!mayMakeLoopDevices)('the inventory of a real loop device', () => {
  const undo: (() => void)[] = [];
  let folder: string;
  let loop: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'landfall-inventory-'));
    undo.push(() => rmSync(folder, { recursive: true }));
    const image = join(folder, 'disk.img');
    writeFileSync(image, '');
    truncateSync(image, 128 * MIB);
    run(
      'sfdisk',
      ['--quiet', image],
      `label: gpt\nlabel-id: ${TABLE_ID}\nsize=64MiB, type=L\nsize=16MiB, type=S\nsize=4MiB, type=L\n`,
    );
    loop = run('losetup', ['--find', '--show', image]);
    undo.push(() => run('losetup', ['--detach', loop]));
    run('partx', ['--add', loop]);
    undo.push(() => run('partx', ['--delete', loop]));
    run('mkfs.ext4', ['-q', '-L', 'integration', `${loop}p1`]);
    run('mkswap', [`${loop}p2`]);
  });

  afterAll(() => {
    for (const step of undo.toReversed()) step();
  });

  const theDisk = async () => {
    const inventory = machineInventory.parse(await collectInventory({ disks: [loop] }));
    expect(inventory.disks).toHaveLength(1);
    return inventory.disks[0]!;
  };

  it('names its partitions and file systems, and the used bytes of ext4 without mounting it', async () => {
    const disk = await theDisk();
    expect(disk).toMatchObject({
      device: loop,
      diskId: TABLE_ID,
      sizeBytes: 128 * MIB,
      partitionTable: 'gpt',
    });
    expect(disk).not.toHaveProperty('examinationError');
    expect(disk.partitions).toMatchObject([
      { number: 1, device: `${loop}p1`, startBytes: MIB, sizeBytes: 64 * MIB, fileSystem: { type: 'ext4' } },
      { number: 2, device: `${loop}p2`, sizeBytes: 16 * MIB, fileSystem: { type: 'swap', usedBytes: null } },
      { number: 3, device: `${loop}p3`, sizeBytes: 4 * MIB, fileSystem: null },
    ]);
    const root = disk.partitions[0]!.fileSystem!;
    expect(root).toMatchObject({ label: 'integration', sizeBytes: 64 * MIB, mountPoint: null });
    // What an empty ext4 of this size needs for itself.
    expect(root.usedBytes).toBeGreaterThan(0);
    expect(root.usedBytes).toBeLessThan(16 * MIB);
  });

  it('follows what is written to the mounted file system', async () => {
    // The kernel writes blanks in its table as octal numbers.
    const mountPoint = join(folder, 'mount point');
    mkdirSync(mountPoint);
    run('mount', [`${loop}p1`, mountPoint]);
    try {
      const usedBytes = async () => {
        run('sync', ['--file-system', mountPoint]);
        const { fileSystem } = (await theDisk()).partitions[0]!;
        expect(fileSystem).toMatchObject({ mountPoint });
        return fileSystem!.usedBytes!;
      };
      const before = await usedBytes();
      writeFileSync(join(mountPoint, 'file'), Buffer.alloc(8 * MIB, 1));
      const written = (await usedBytes()) - before;
      expect(written).toBeGreaterThanOrEqual(8 * MIB);
      expect(written).toBeLessThan(8.5 * MIB);
    } finally {
      run('umount', [mountPoint]);
    }
  });

  it('names the same file systems when the partitions have no devices', async () => {
    const facts = async () =>
      (await theDisk()).partitions.map(({ device, fileSystem }) => [device, fileSystem?.type, fileSystem?.uuid]);
    const withDevices = await facts();
    run('partx', ['--delete', loop]);
    try {
      expect(await facts()).toEqual(withDevices);
    } finally {
      run('partx', ['--add', loop]);
    }
  });

  it('refuses a partition, a regular file and a path that is not there', async () => {
    const refused = (path: string) => expect(collectInventory({ disks: [path] })).rejects;
    await refused(`${loop}p1`).toMatchObject({ code: 'INVENTORY.DISK_IS_A_PARTITION' });
    await refused(join(folder, 'disk.img')).toMatchObject({ code: 'INVENTORY.DISK_NOT_A_BLOCK_DEVICE' });
    await refused('/dev/no-such-disk').toMatchObject({ code: 'INVENTORY.DISK_NOT_FOUND' });
  });

  it('is not part of the inventory unless it is named', async () => {
    const inventory = machineInventory.parse(await collectInventory());
    expect(inventory.disks.map(({ device }) => device)).not.toContain(loop);
    expect(inventory.memoryBytes).toBeGreaterThan(inventory.memoryFreeBytes);
    expect(inventory.memoryFreeBytes).toBeGreaterThan(0);
  });
});
