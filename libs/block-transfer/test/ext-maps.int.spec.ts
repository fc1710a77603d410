import { afterEach, describe, expect, it } from 'vitest';
import type { ByteRange } from '#libs/contracts';
import { clipExtents, invertExtents, mergeExtents, totalBytes, usedBlocksOf } from '#libs/block-transfer';
import { run } from './ext-disk.js';
import { FileSystemImage, makeFragmentedExt } from './file-system-image.js';
import { countFree } from '../src/used-blocks/bitmap-runs.js';
import { freeByDumpe2fs, freeByPartclone } from '../../../test/guest/map-oracles.js';

const MIB = 1024 * 1024;

/** What makes maps differ: where metadata lies, what a bit means, what checksums there are. */
const LAYOUTS: readonly (readonly [string, number, readonly string[]])[] = [
  ['ext2', 96, ['-t', 'ext2']],
  ['ext2 of revision 0', 96, ['-t', 'ext2', '-r', '0']],
  ['ext3', 96, ['-t', 'ext3']],
  ['ext4', 200, ['-t', 'ext4']],
  ['blocks of 1 KiB', 96, ['-t', 'ext4', '-b', '1024']],
  ['blocks of 2 KiB', 96, ['-t', 'ext4', '-b', '2048']],
  ['blocks of 64 KiB', 1024, ['-t', 'ext4', '-b', '65536']],
  ['without 64bit', 200, ['-t', 'ext4', '-O', '^64bit']],
  ['without flex_bg', 200, ['-t', 'ext4', '-O', '^flex_bg']],
  ['without journal', 200, ['-t', 'ext4', '-O', '^has_journal']],
  ['descriptor checksums of the old kind', 200, ['-t', 'ext4', '-O', '^metadata_csum,uninit_bg']],
  ['the same, without 64bit', 200, ['-t', 'ext4', '-O', '^metadata_csum,uninit_bg,^64bit']],
  ['without checksums', 200, ['-t', 'ext4', '-O', '^metadata_csum,^uninit_bg']],
  ['a checksum seed', 200, ['-t', 'ext4', '-O', 'metadata_csum_seed']],
  ['superblocks in every group', 200, ['-t', 'ext4', '-O', '^sparse_super,^resize_inode']],
  ['sparse_super2', 300, ['-t', 'ext4', '-O', 'sparse_super2,^resize_inode']],
  ['one backup of sparse_super2', 300, ['-t', 'ext4', '-O', 'sparse_super2,^resize_inode', '-E', 'num_backup_sb=1']],
  ['packed metadata', 300, ['-t', 'ext4', '-O', 'sparse_super2,^resize_inode', '-E', 'packed_meta_blocks=1']],
  ['meta_bg', 96, ['-t', 'ext4', '-O', 'meta_bg,^resize_inode', '-b', '1024', '-g', '1024']],
  ['meta_bg without flex_bg', 96, ['-t', 'ext4', '-O', 'meta_bg,^resize_inode,^flex_bg', '-b', '1024', '-g', '1024']],
  ['small groups', 96, ['-t', 'ext4', '-b', '1024', '-g', '256', '-N', '8192']],
  ['strides', 200, ['-t', 'ext4', '-O', '^flex_bg', '-E', 'stride=16,stripe-width=64']],
  ['much room to grow', 200, ['-t', 'ext4', '-E', 'resize=4294967295']],
  ['encryption, case folding, verity', 200, ['-t', 'ext4', '-O', 'encrypt,casefold,verity']],
  ['quota, project quota, large directories', 200, ['-t', 'ext4', '-O', 'quota,project,large_dir']],
  ['inline data, ea_inode', 200, ['-t', 'ext4', '-O', 'inline_data,ea_inode', '-I', '512']],
  ['an orphan file', 200, ['-t', 'ext4', '-O', 'orphan_file']],
  ['bigalloc', 200, ['-t', 'ext4', '-O', 'bigalloc', '-C', '65536']],
  ['bigalloc, blocks of 1 KiB', 200, ['-t', 'ext4', '-b', '1024', '-O', 'bigalloc', '-C', '16384']],
  ['bigalloc, clusters of 1 MiB', 500, ['-t', 'ext4', '-O', 'bigalloc', '-C', '1048576']],
  ['bigalloc and meta_bg', 200, ['-t', 'ext4', '-O', 'bigalloc,meta_bg,^resize_inode', '-C', '16384', '-g', '8192']],
];

/** The block that holds a group's bitmap. */
async function bitmapBlock(path: string, group: number): Promise<number> {
  const rows = new RegExp(`Group ${group}:.*?Block bitmap at (\\d+)`, 's').exec(await run('dumpe2fs', path));
  return Number(rows?.[1]);
}

/** A group's place with blocks of 1 KiB. */
const groupOf = (group: number): ByteRange => ({ offsetBytes: (1 + group * 8192) * 1024, lengthBytes: 8192 * 1024 });

function withoutGroup(free: readonly ByteRange[], group: number, sizeBytes: number): ByteRange[] {
  return mergeExtents(invertExtents([groupOf(group)], sizeBytes).flatMap((window) => clipExtents(free, window)));
}

describe('the map of an ext file system', () => {
  let image: FileSystemImage | null = null;
  afterEach(async () => {
    await image?.dispose();
    image = null;
  });

  async function make(mkfs: readonly string[], sizeBytes: number, files = 120): Promise<FileSystemImage> {
    image = await FileSystemImage.create('ext4', sizeBytes, (path, folder) =>
      makeFragmentedExt(path, folder, mkfs, files),
    );
    return image;
  }

  it.each(LAYOUTS)('is that of e2fsprogs: %s', async (_, sizeMiB, mkfs) => {
    // A size that ends within a block, and within a cluster.
    const { path } = await make(mkfs, sizeMiB * MIB + 12 * 1024 + 512);
    const free = await image!.free();
    expect(free).toEqual(await freeByDumpe2fs(path, 0));
    expect(totalBytes(free)).toBeGreaterThan((sizeMiB / 3) * MIB);
    expect(free.length).toBeGreaterThan(3);
  });

  it.each([
    ['ext2', ['-t', 'ext2']],
    ['ext3', ['-t', 'ext3']],
    ['ext4', ['-t', 'ext4', '-b', '1024']],
    ['ext4 with old checksums', ['-t', 'ext4', '-O', '^metadata_csum,uninit_bg']],
    [
      'ext4 with descriptors among the groups',
      ['-t', 'ext4', '-O', 'meta_bg,^resize_inode', '-b', '1024', '-g', '1024'],
    ],
  ])('is that of partclone: %s', async (_, mkfs) => {
    const { path } = await make(mkfs, 96 * MIB);
    expect(await image!.free()).toEqual(await freeByPartclone('extfs', path, 0));
  });

  it('is that of e2fsprogs when nearly everything is full, and after it was made larger and smaller', async () => {
    const { path, folder } = await make(['-t', 'ext4', '-b', '1024', '-m', '0'], 24 * MIB, 130);
    const full = await image!.free();
    expect(full).toEqual(await freeByDumpe2fs(path, 0));
    await run('truncate', '-s', '200M', path);
    for (const size of ['200M', '90M']) {
      await run('e2fsck', '-f', '-y', path);
      await run('resize2fs', path, size);
      const resized = await FileSystemImage.at('ext4', folder, path);
      expect(await resized.free()).toEqual(await freeByDumpe2fs(path, 0));
    }
  });

  it('takes a group whose bitmap does not fit its checksum for used, and only that one', async () => {
    const { path } = await make(['-t', 'ext4', '-b', '1024', '-O', '^flex_bg'], 96 * MIB);
    const before = await freeByDumpe2fs(path, 0);
    const block = await bitmapBlock(path, 1);
    const last = await image!.bytes(block * 1024 + 1023, 1);
    await image!.patch(block * 1024 + 1023, Buffer.from([last.readUInt8() ^ 0x01]));
    expect(await image!.free()).toEqual(withoutGroup(before, 1, image!.sizeBytes));
  });

  it('takes a group for used whose bitmap calls its own metadata free, where there is no checksum', async () => {
    const { path } = await make(['-t', 'ext2', '-b', '1024'], 96 * MIB);
    const before = await freeByDumpe2fs(path, 0);
    const block = await bitmapBlock(path, 5);
    const beginning = await image!.bytes(block * 1024, 128);
    await image!.patch(block * 1024, Buffer.alloc(128));
    // The descriptor agrees: as much more is free.
    const count = (await image!.bytes(2048 + 5 * 32 + 0x0c, 2)).readUInt16LE();
    const agreed = Buffer.alloc(2);
    agreed.writeUInt16LE(count + 1024 - countFree(beginning, 1024));
    await image!.patch(2048 + 5 * 32 + 0x0c, agreed);
    expect(await image!.free()).toEqual(withoutGroup(before, 5, image!.sizeBytes));
  });

  it.each([
    ['ext2', ['-t', 'ext2', '-b', '1024']],
    ['old checksums', ['-t', 'ext4', '-b', '1024', '-O', '^metadata_csum,uninit_bg,^flex_bg']],
  ])('takes a group for used whose bitmap has other numbers than its descriptor: %s', async (_, mkfs) => {
    const { path } = await make(mkfs, 96 * MIB);
    const before = await freeByDumpe2fs(path, 0);
    const block = await bitmapBlock(path, 1);
    // A sector of a file's blocks, as a disk gives it back that has lost it.
    await image!.patch(block * 1024 + 512, Buffer.alloc(512));
    expect(await image!.free()).toEqual(withoutGroup(before, 1, image!.sizeBytes));
  });

  it('is of no use where a group descriptor or the superblock was damaged, or errors were recorded', async () => {
    const { sizeBytes } = await make(['-t', 'ext4', '-b', '1024', '-O', '^flex_bg'], 96 * MIB);
    const before = totalBytes(await image!.free());
    await image!.patch(2048 + 3 * 64, Buffer.from([0x77]));
    const free = await image!.free();
    expect(clipExtents(free, groupOf(3))).toEqual([]);
    expect(totalBytes(free)).toBeGreaterThan(before - 8192 * 1024);
    const label = await image!.bytes(1024 + 0x78, 1);
    await image!.patch(1024 + 0x78, Buffer.from([0x77]));
    expect((await usedBlocksOf(image!.describe())).usedBytes).toBe(sizeBytes);
    await image!.patch(1024 + 0x78, label);
    expect(await image!.free()).toEqual(free);
  });

  it('is of no use where the file system has recorded errors in itself, or has a feature that nobody knows', async () => {
    const { path } = await make(['-t', 'ext4'], 64 * MIB);
    expect(totalBytes(await image!.free())).toBeGreaterThan(30 * MIB);
    await run('debugfs', '-w', '-R', 'ssv state 3', path);
    expect(await image!.free()).toEqual([]);
    await run('debugfs', '-w', '-R', 'ssv state 1', path);
    expect(totalBytes(await image!.free())).toBeGreaterThan(30 * MIB);
    await run('debugfs', '-w', '-R', 'feature +FEATURE_R30', path);
    expect(await image!.free()).toEqual([]);
  });
});
