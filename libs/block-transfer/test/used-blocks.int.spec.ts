import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { mergeExtents, usedBlocksOf } from '#libs/block-transfer';
import type { Disk, Partition } from '#libs/contracts';
import { ExtDisk, run } from './ext-disk.js';
import { FileSystemImage } from './file-system-image.js';
import { PartitionDisk } from './partition-disk.js';
import { freeByDumpe2fs } from '../../../test/guest/map-oracles.js';

const MIB = 1024 * 1024;

describe('usedBlocksOf', () => {
  let disk: ExtDisk | null = null;
  afterEach(async () => {
    await disk?.dispose();
    disk = null;
  });

  it.each([
    ['ext4', 'ext4', []],
    ['ext4 with blocks of 1 KiB', 'ext4', ['-b', '1024']],
    ['ext4 without 64bit and flexible groups', 'ext4', ['-O', '^64bit,^flex_bg,^resize_inode,meta_bg']],
    ['ext4 with clusters', 'ext4', ['-O', 'bigalloc', '-C', '65536']],
    ['ext3', 'ext3', []],
    ['ext2', 'ext2', []],
  ])('frees what e2fsprogs calls free on %s, mounted and not', async (_, type, mkfs) => {
    disk = await ExtDisk.create(160 * MIB, { type, mkfs });
    await disk.fill('file', 300, 100_000);
    await disk.fill('gone', 300, 50_000);
    for (let index = 0; index < 300; index += 2) await rm(join(disk.mountPoint, `gone${index}`));
    const live = await usedBlocksOf(disk.describe());
    await disk.unmount();
    const used = await usedBlocksOf(disk.describe());
    const free = await freeByDumpe2fs(disk.partition, MIB);
    const freeBytes = free.reduce((sum, range) => sum + range.lengthBytes, 0);
    expect(used.extents).toEqual(live.extents);
    expect(used.usedBytes).toBe(disk.sizeBytes - freeBytes);
    expect(mergeExtents([...used.extents, ...free])).toEqual([{ offsetBytes: 0, lengthBytes: disk.sizeBytes }]);
    expect(freeBytes).toBeGreaterThan(60 * MIB);
  });

  it.each([
    ['ext4', ['mkfs.ext4', '-q', '-F']],
    ['vfat', ['mkfs.vfat', '-F', '32']],
    ['exfat', ['mkfs.exfat']],
    ['swap', ['mkswap', '-q']],
    ['xfs', ['mkfs.xfs', '-q', '-f']],
    ['btrfs', ['mkfs.btrfs', '-q', '-f']],
    ['ntfs', ['mkfs.ntfs', '-q', '-F', '-Q']],
  ] as const)('reads a map of %s through the disk where its partition has no device', async (type, mkfs) => {
    const partitioned = await PartitionDisk.create(320 * MIB, { type, mkfs: [...mkfs], check: async () => undefined });
    try {
      const doubts: string[] = [];
      const onDoubt = (device: string, reason: string): void => void doubts.push(`${device}: ${reason}`);
      const withDevice = await usedBlocksOf(partitioned.describe(), { onDoubt });
      await run('partx', '-d', partitioned.device);
      const without = await usedBlocksOf(partitioned.describe(), { onDoubt });
      expect(doubts).toEqual([]);
      expect(without.usedBytes).toBeLessThan(100 * MIB);
      expect(without).toEqual(withDevice);
    } finally {
      await partitioned.dispose();
    }
  });

  it('does not read through the disk what has a device that only lacks a name', async () => {
    disk = await ExtDisk.create(64 * MIB);
    const described = disk.describe();
    const partitions = described.partitions.map((partition) => ({
      ...partition,
      device: partition.device.replace('/dev/', '/dev/elsewhere/'),
    }));
    await expect(usedBlocksOf({ ...described, partitions })).rejects.toMatchObject({ code: 'USED_BLOCKS_UNKNOWN' });
  });

  it('calls everything used where it knows no file system', async () => {
    disk = await ExtDisk.create(64 * MIB);
    const described = disk.describe();
    expect((await usedBlocksOf(described)).usedBytes).toBeLessThan(disk.sizeBytes / 2);
    const partitions = described.partitions.map((partition) => ({ ...partition, fileSystem: null }));
    expect((await usedBlocksOf({ ...described, partitions })).usedBytes).toBe(disk.sizeBytes);
  });

  it('brings what is in memory to the disk first, also of a file system in a container', async () => {
    disk = await ExtDisk.create(64 * MIB);
    const described = disk.describe();
    const [{ device, fileSystem }] = described.partitions as [Disk['partitions'][number]];
    const volumes = fileSystem === null ? [] : [{ device, fileSystem }];
    const partitions = described.partitions.map((partition) => ({ ...partition, fileSystem: null }));
    const content = randomBytes(4096);
    await writeFile(join(disk.mountPoint, 'new'), content);
    expect((await readFile(disk.imagePath)).includes(content)).toBe(false);
    await usedBlocksOf({ ...described, partitions, volumes });
    expect((await readFile(disk.imagePath)).includes(content)).toBe(true);
  });

  it('keeps a list that fits into memory of a disk with many badly fragmented file systems', async () => {
    const clusterBytes = 65_536;
    const image = await FileSystemImage.create('vfat', 2048 * MIB, (path) =>
      run('mkfs.vfat', '-F', '16', '-s', '128', '-f', '1', path),
    );
    try {
      // Every second cluster is in use.
      const table = Buffer.alloc(60_000);
      for (let index = 2; index < table.length / 2; index += 2) table.writeUInt16LE(0xffff, index * 2);
      const reserved = (await image.bytes(14, 2)).readUInt16LE();
      await image.patch(reserved * 512 + 4, table.subarray(4));
      const alone = await usedBlocksOf(image.describe());
      expect(alone.extents.length).toBeGreaterThan(14_000);
      const { fileSystem, ...disk } = image.describe();
      const partitions = Array.from({ length: 8 }, (_, index) => ({
        ...{ number: index + 1, device: image.path, startBytes: MIB + index * image.sizeBytes },
        ...{ sizeBytes: image.sizeBytes, typeId: '0e', fileSystem },
      }));
      const sizeBytes = MIB + 8 * image.sizeBytes;
      const used = await usedBlocksOf({ ...disk, sizeBytes, partitionTable: 'mbr', partitions, fileSystem: null });
      expect(used.extents.length).toBeLessThanOrEqual(65_537);
      expect(used.usedBytes).toBeGreaterThanOrEqual(8 * alone.usedBytes + MIB);
      // What is free behind the fragments is given up last.
      const behind = 2048 * MIB - 30_000 * clusterBytes;
      expect(sizeBytes - used.usedBytes).toBeGreaterThan(8 * (behind - 4 * MIB));
    } finally {
      await image.dispose();
    }
  });

  it.each<[string, (partition: Partition) => Partition[], RegExp]>([
    ['that reaches beyond the end', (one) => [{ ...one, startBytes: 32 * MIB }], /beyond the end/],
    ['that begins elsewhere by now', (one) => [{ ...one, startBytes: MIB / 2 }], /in another place/],
    ['that is larger by now', (one) => [{ ...one, sizeBytes: one.sizeBytes / 2 }], /in another place/],
    [
      'where another one is',
      (one) => [{ ...one, device: '/dev/other', fileSystem: null }, one],
      /overlaps \/dev\/other/,
    ],
  ])('calls everything used of a partition %s', async (_, partitionsOf, doubt) => {
    disk = await ExtDisk.create(64 * MIB);
    await disk.unmount();
    const described = disk.describe();
    const partitions = described.partitions.flatMap(partitionsOf);
    const doubts: string[] = [];
    const onDoubt = (_device: string, reason: string): void => void doubts.push(reason);
    expect((await usedBlocksOf({ ...described, partitions }, { onDoubt })).usedBytes).toBe(disk.sizeBytes);
    expect(doubts).toEqual([expect.stringMatching(doubt)]);
  });

  it('calls everything used of an ext that is larger than what it is on', async () => {
    const whole = await FileSystemImage.create('ext4', 64 * MIB, (path) => run('mke2fs', '-q', '-F', path));
    try {
      await run('truncate', '-s', '32M', whole.path);
      const image = await FileSystemImage.at('ext4', whole.folder, whole.path);
      expect(await image.free()).toEqual([]);
    } finally {
      await whole.dispose();
    }
  });

  it('refuses to guess when the map fails', async () => {
    disk = await ExtDisk.create(64 * MIB);
    await disk.unmount();
    const described = disk.describe();
    await run('dd', 'if=/dev/zero', `of=${disk.partition}`, 'bs=64k', 'count=1', 'conv=fsync', 'status=none');
    await expect(usedBlocksOf(described)).rejects.toMatchObject({ code: 'USED_BLOCKS_UNKNOWN' });
    await expect(usedBlocksOf(described, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});
