import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ByteRange } from '#libs/contracts';
import { clipExtents, mergeExtents, totalBytes } from '#libs/block-transfer';
import { run } from './ext-disk.js';
import { FileSystemImage, filesIn } from './file-system-image.js';
import { freeByPartclone } from '../../../test/guest/map-oracles.js';

const MIB = 1024 * 1024;
const FILES = 60;

const LAYOUTS: readonly (readonly [string, number, readonly string[]])[] = [
  ['FAT12', 3 * MIB, ['-F', '12']],
  ['FAT12 with large clusters', 30 * MIB, ['-F', '12', '-s', '32']],
  ['FAT16', 60 * MIB, ['-F', '16']],
  ['FAT16 with one table', 60 * MIB, ['-F', '16', '-f', '1']],
  ['FAT32', 100 * MIB, ['-F', '32', '-s', '1']],
  ['FAT32 with sectors of 4 KiB', 400 * MIB, ['-F', '32', '-S', '4096', '-s', '1']],
  ['FAT32 of a size that ends within a cluster', 300 * MIB + 7 * 512, ['-F', '32', '-s', '8']],
];

/** Where mtools finds the content of these files. */
async function contentOf(image: FileSystemImage, names: readonly string[]): Promise<ByteRange[]> {
  const about = await run('fsck.vfat', '-n', '-v', image.path);
  const clusterBytes = Number(/(\d+) bytes per cluster/.exec(about)?.[1]);
  const start = Number(/Data area starts at byte (\d+)/.exec(about)?.[1]);
  const text = await run('mshowfat', '-i', image.path, ...names);
  return mergeExtents(
    [...text.matchAll(/<(\d+)(?:-(\d+))?>/g)].map(([, first, last]) => ({
      offsetBytes: start + (Number(first) - 2) * clusterBytes,
      lengthBytes: (Number(last ?? first) - Number(first) + 1) * clusterBytes,
    })),
  );
}

describe('the map of a FAT file system', () => {
  let image: FileSystemImage | null = null;
  afterEach(async () => {
    await image?.dispose();
    image = null;
  });

  /** With files, of which every second one is deleted again and others take their place. */
  async function make(sizeBytes: number, mkfs: readonly string[]): Promise<FileSystemImage> {
    image = await FileSystemImage.create('vfat', sizeBytes, async (path, folder) => {
      await run('mkfs.vfat', ...mkfs, path);
      const files = await filesIn(folder, FILES, sizeBytes / FILES);
      await run('mmd', '-i', path, '::/EFI');
      const names = Array.from({ length: FILES }, (_, index) => `file${index}`);
      await run('mcopy', '-i', path, ...names.map((name) => join(files, name)), '::/EFI');
      await run('mdel', '-i', path, ...names.filter((_, index) => index % 2 === 0).map((name) => `::/EFI/${name}`));
      const late = join(folder, 'late');
      await writeFile(late, randomBytes(Math.floor(sizeBytes / 8)));
      await run('mcopy', '-i', path, late, '::/late');
    });
    return image;
  }

  it.each(LAYOUTS)('is that of mtools, and of partclone but for FAT12: %s', async (_, sizeBytes, mkfs) => {
    const { path } = await make(sizeBytes, mkfs);
    const free = await image!.free();
    const told = /([\d ]+) bytes free/.exec(await run('mdir', '-i', path))?.[1]?.replaceAll(' ', '');
    expect(totalBytes(free)).toBe(Number(told));
    const names = ['::/late', ...Array.from({ length: FILES / 2 }, (__, index) => `::/EFI/file${index * 2 + 1}`)];
    const content = await contentOf(image!, names);
    expect(totalBytes(content)).toBeGreaterThan(sizeBytes / 8);
    expect(content.flatMap((extent) => clipExtents(free, extent))).toEqual([]);
    expect(free.length).toBeGreaterThan(3);
    // partclone 0.3.23 takes the entries of FAT12 for something else, and calls files free.
    if (!mkfs.includes('12')) expect(free).toEqual(await freeByPartclone('vfat', path, 0));
  });

  it('is that of partclone on a small FAT32, which has the clusters of a FAT16, as EFI partitions do', async () => {
    image = await FileSystemImage.create('vfat', 40 * MIB, (path) => run('mkfs.vfat', '-F', '32', '-s', '2', path));
    const tableBytes = (await image.bytes(0x24, 4)).readUInt32LE() * 512;
    for (const cluster of [10, 11, 12, 500, 502, 20_000]) {
      for (const copy of [0, 1]) {
        await image.patch(32 * 512 + copy * tableBytes + cluster * 4, Buffer.from([0xff, 0xff, 0xff, 0x0f]));
      }
    }
    const free = await image.free();
    expect(free).toHaveLength(5);
    expect(free).toEqual(await freeByPartclone('vfat', image.path, 0));
  });

  it('has a cluster for used that is marked bad, or that one of the copies of the table calls used', async () => {
    await make(300 * MIB, ['-F', '32', '-s', '8']);
    const before = await image!.free();
    const [tableStart, tableBytes] = [32 * 512, (await image!.bytes(0x24, 4)).readUInt32LE() * 512];
    const cluster = (offset: number): number => (offset - tableStart - 2 * tableBytes) / 4096 + 2;
    const last = before.at(-1)!;
    const bad = cluster(last.offsetBytes) + 1;
    for (const copy of [0, 1]) {
      await image!.patch(tableStart + copy * tableBytes + bad * 4, Buffer.from([0xf7, 0xff, 0xff, 0x0f]));
    }
    await image!.patch(tableStart + tableBytes + (bad + 2) * 4, Buffer.from([0xff, 0xff, 0xff, 0x0f]));
    expect((await image!.free()).slice(before.length - 1)).toEqual([
      { offsetBytes: last.offsetBytes, lengthBytes: 4096 },
      { offsetBytes: last.offsetBytes + 2 * 4096, lengthBytes: 4096 },
      { offsetBytes: last.offsetBytes + 4 * 4096, lengthBytes: last.lengthBytes - 4 * 4096 },
    ]);
  });

  it.each([
    ['was left in use by Linux', 0x41, [0x01]],
    ['was left in use by Windows', 32 * 512 + 7, [0x07]],
    ['has errors, as Windows says', 32 * 512 + 7, [0x0b]],
    ['has a table that is none', 32 * 512, [0, 0, 0, 0]],
    ['is larger than its partition', 0x20, [0xff, 0xff, 0xff, 0x7f]],
    ['has no root directory', 0x2c, [0, 0, 0, 0]],
    ['has a table that is too short', 0x24, [1, 0, 0, 0]],
    ['is of an unknown version', 0x2a, [1, 0]],
  ])('is of no use when the file system %s', async (_, offset, bytes) => {
    await make(100 * MIB, ['-F', '32', '-s', '1']);
    expect(totalBytes(await image!.free())).toBeGreaterThan(30 * MIB);
    await image!.patch(offset, Buffer.from(bytes));
    expect(await image!.free()).toEqual([]);
  });
});
