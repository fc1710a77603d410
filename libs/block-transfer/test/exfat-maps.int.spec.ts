import { afterEach, describe, expect, it } from 'vitest';
import type { ByteRange } from '#libs/contracts';
import { clipExtents, invertExtents, mergeExtents, totalBytes } from '#libs/block-transfer';
import { clustersOf, markBadInExfat, writeExfatFiles } from './exfat-files.js';
import { run } from './ext-disk.js';
import { FileSystemImage } from './file-system-image.js';
import { freeByPartclone } from '../../../test/guest/map-oracles.js';

const MIB = 1024 * 1024;

describe('the map of an exFAT file system', () => {
  let image: FileSystemImage | null = null;
  afterEach(async () => {
    await image?.dispose();
    image = null;
  });

  async function make(sizeBytes: number, mkfs: readonly string[]): Promise<FileSystemImage> {
    image = await FileSystemImage.create('exfat', sizeBytes, (path) => run('mkfs.exfat', ...mkfs, path));
    return image;
  }

  function without(free: readonly ByteRange[], used: readonly ByteRange[]): ByteRange[] {
    const others = invertExtents(used, image!.sizeBytes);
    return mergeExtents(others.flatMap((window) => clipExtents(free, window)));
  }

  it.each([
    ['clusters of 4 KiB', 100 * MIB, ['-c', '4K']],
    ['clusters of 32 KiB', 512 * MIB, ['-c', '32K']],
    ['clusters of 4 KiB, and more of them than are read at once', 700 * MIB, ['-c', '4K']],
    ['a size that ends within a cluster', 512 * MIB + 3 * 512, ['-c', '64K']],
  ])('is that of partclone, and has every file: %s', async (_, sizeBytes, mkfs) => {
    const { path } = await make(sizeBytes, mkfs);
    // partclone 0.3.23 takes what is behind the last cluster for free, and used ones among the last eight, too.
    const { offsetBytes, lengthBytes } = await clustersOf(image!);
    const allButLast = { offsetBytes, lengthBytes: lengthBytes - 8 * 65_536 };
    const fresh = await image!.free();
    expect(clipExtents(fresh, allButLast)).toEqual(clipExtents(await freeByPartclone('exfat', path, 0), allButLast));
    const content = await writeExfatFiles(image!, 40, 100);
    await run('fsck.exfat', '-n', path);
    const free = await image!.free();
    expect(free).toEqual(without(fresh, content));
    expect(clipExtents(free, allButLast)).toEqual(clipExtents(await freeByPartclone('exfat', path, 0), allButLast));
    expect(free.length).toBeGreaterThan(100);
  });

  it('has a cluster for used that the table marks as bad', async () => {
    await make(512 * MIB, ['-c', '32K']);
    await writeExfatFiles(image!, 40, 100);
    const before = await image!.free();
    const bad = { offsetBytes: before[7]!.offsetBytes, lengthBytes: 32_768 };
    await markBadInExfat(image!, bad.offsetBytes);
    expect(await image!.free()).toEqual(without(before, [bad]));
  });

  it.each([
    ['was left in use', 106, [0x02]],
    ['had failures of its medium', 106, [0x04]],
    ['has a boot region that does not fit its checksum', 200, [0x55]],
    ['has two tables', 110, [2]],
    ['is none', 3, [0x4e]],
  ])('is of no use when the file system %s', async (_, offset, bytes) => {
    await make(100 * MIB, ['-c', '4K']);
    expect(totalBytes(await image!.free())).toBeGreaterThan(30 * MIB);
    await image!.patch(offset, Buffer.from(bytes));
    expect(await image!.free()).toEqual([]);
  });
});
