import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ByteRange, Disk } from '#libs/contracts';
import {
  alignedBuffer,
  clipExtents,
  invertExtents,
  mergeExtents,
  openSourceDisk,
  totalBytes,
  usedBlocksOf,
} from '#libs/block-transfer';
import { ExtDisk, run } from './ext-disk.js';
import { FileSystemImage } from './file-system-image.js';
import { freeByDumpe2fs } from '../../../test/guest/map-oracles.js';

const MIB = 1024 * 1024;
const PARTITION_START_BYTES = MIB;

/** The disk as it is described while its file system is mounted, without the mount point: so nothing is synced. */
function unsynced(disk: ExtDisk): Disk {
  const described = disk.describe();
  const partitions = described.partitions.map((partition) => ({
    ...partition,
    fileSystem: partition.fileSystem && { ...partition.fileSystem, mountPoint: null },
  }));
  return { ...described, partitions };
}

async function freeOf(disk: Disk): Promise<ByteRange[]> {
  return invertExtents((await usedBlocksOf(disk)).extents, disk.sizeBytes);
}

/** Where a file's content lies on the disk. */
async function extentsOf(path: string): Promise<ByteRange[]> {
  const text = await run('filefrag', '-b1024', '-v', path);
  const rows = [...text.matchAll(/^ *\d+: +\d+\.\. *\d+: +(\d+)\.\. *\d+: +(\d+):/gm)];
  return mergeExtents(
    rows.map(([, first, blocks]) => ({
      offsetBytes: PARTITION_START_BYTES + Number(first) * 1024,
      lengthBytes: Number(blocks) * 1024,
    })),
  );
}

function isUsed(free: readonly ByteRange[], extents: readonly ByteRange[]): boolean {
  return extents.every((extent) => clipExtents(free, extent).length === 0);
}

describe('the map of a mounted ext file system', () => {
  let disk: ExtDisk | null = null;
  let image: FileSystemImage | null = null;
  afterEach(async () => {
    await image?.dispose();
    await disk?.dispose();
    [disk, image] = [null, null];
  });

  it('shows what is in memory, which a read with O_DIRECT would not', async () => {
    disk = await ExtDisk.create(160 * MIB);
    await run('sync', '-f', disk.mountPoint);
    const bitmap = Number(/Group 0:.*?Block bitmap at (\d+)/s.exec(await run('dumpe2fs', disk.partition))?.[1]);
    const device = await openSourceDisk(disk.partition);
    const onDisk = async (): Promise<Buffer> => {
      const block = alignedBuffer(4096);
      await device.read(block, bitmap * 4096);
      return Buffer.from(block);
    };
    const [before, blockBefore] = [await freeOf(unsynced(disk)), await onDisk()];
    const path = join(disk.mountPoint, 'allocated');
    await run('fallocate', '-l', '20M', path);
    const extents = await extentsOf(path);
    const after = await freeOf(unsynced(disk));
    expect(totalBytes(extents)).toBe(20 * MIB);
    expect(totalBytes(before) - totalBytes(after)).toBe(20 * MIB);
    expect(isUsed(after, extents)).toBe(true);
    await rm(path);
    expect(await freeOf(unsynced(disk))).toEqual(before);
    await run('fallocate', '-l', '20M', path);
    expect(totalBytes(await freeOf(unsynced(disk)))).toBe(totalBytes(after));
    // All of that went on in the page cache.
    expect((await onDisk()).equals(blockBefore)).toBe(true);
    await device.close();
  });

  it.each([
    ['ext4', 'ext4', []],
    ['ext4 with blocks of 1 KiB in small groups', 'ext4', ['-b', '1024', '-g', '1024']],
    ['ext4 without checksums', 'ext4', ['-O', '^metadata_csum,^uninit_bg']],
    ['ext4 with old checksums', 'ext4', ['-O', '^metadata_csum,uninit_bg']],
    ['ext4 with clusters', 'ext4', ['-O', 'bigalloc', '-C', '16384']],
    ['ext4 without a journal', 'ext4', ['-O', '^has_journal']],
    ['ext3', 'ext3', []],
    ['ext2', 'ext2', []],
  ])('is that of e2fsprogs after much to and fro: %s', async (_, type, mkfs) => {
    disk = await ExtDisk.create(160 * MIB, { type, mkfs });
    for (let pass = 0; pass < 3; pass += 1) {
      await run('bash', '-c', TO_AND_FRO, 'bash', disk.mountPoint, String(pass + 1), type);
      const live = await freeOf(disk.describe());
      await disk.unmount();
      expect(live).toEqual(await freeByDumpe2fs(disk.partition, PARTITION_START_BYTES));
      expect(await freeOf(disk.describe())).toEqual(live);
      await disk.mount();
    }
  });

  it.each([
    ['checksums', []],
    ['numbers of free blocks', ['-O', '^metadata_csum,^uninit_bg']],
  ])('has every block of a file that stays, while others come and go without a pause: %s', async (_, mkfs) => {
    disk = await ExtDisk.create(300 * MIB, { mkfs: ['-b', '1024', ...mkfs] });
    await disk.fill('stays', 50, 300_000);
    await run('sync', '-f', disk.mountPoint);
    const stays: ByteRange[] = [];
    for (let index = 0; index < 50; index += 1)
      stays.push(...(await extentsOf(join(disk.mountPoint, `stays${index}`))));
    const writer = spawn('bash', ['-c', WITHOUT_PAUSE, 'bash', disk.mountPoint], { stdio: 'ignore' });
    const ended = once(writer, 'exit');
    try {
      const maps = new Set<string>();
      // More rounds only where the writer gets its turns later.
      for (let round = 0; round < 60 || (maps.size <= 5 && round < 600); round += 1) {
        const free = await freeOf(unsynced(disk));
        expect(isUsed(free, stays)).toBe(true);
        // Nowhere near "everything is used".
        expect(totalBytes(free)).toBeGreaterThan(150 * MIB);
        maps.add(JSON.stringify(free));
      }
      expect(maps.size).toBeGreaterThan(5);
    } finally {
      writer.kill('SIGTERM');
      await ended;
    }
  });

  it('is of no use once the machine that had it mounted has crashed, until its journal was played', async () => {
    disk = await ExtDisk.create(160 * MIB);
    await disk.fill('file', 20, 100_000);
    const { mountPoint, partition } = disk;
    image = await FileSystemImage.create('ext4', 158 * MIB, async (path) => {
      await run('fallocate', '-l', '20M', join(mountPoint, 'allocated'));
      await run('dd', `if=${partition}`, `of=${path}`, 'bs=1M', 'conv=notrunc', 'iflag=direct', 'status=none');
    });
    expect(await image.free()).toEqual([]);
    await run('e2fsck', '-p', image.path).catch(() => undefined);
    expect(await image.free()).toEqual(await freeByDumpe2fs(image.path, 0));
    expect(totalBytes(await image.free())).toBeGreaterThan(80 * MIB);
  });

  it('is of no use without a journal when it was left unclean', async () => {
    disk = await ExtDisk.create(64 * MIB, { type: 'ext2' });
    const { partition, sizeBytes } = disk;
    image = await FileSystemImage.create('ext2', sizeBytes, (path) =>
      run('dd', `if=${partition}`, `of=${path}`, 'bs=1M', 'conv=notrunc', 'status=none'),
    );
    expect(await image.free()).toEqual([]);
    expect(totalBytes(await freeOf(disk.describe()))).toBeGreaterThan(50 * MIB);
  });
});

/** Creates, truncates, preallocates, punches and removes, by a seeded random choice. Holes only where there are extents. */
const TO_AND_FRO = `
cd "$1"; RANDOM=$2; type=$3
for ((i = 0; i < 400; i++)); do
  f=f$((RANDOM % 60)); k=$((RANDOM % 700 + 1))
  case $((RANDOM % 6)) in
    0) head -c \${k}k /dev/urandom > $f ;;
    1) rm -f $f ;;
    2) truncate -s \${k}k $f ;;
    3) [ $type = ext4 ] && fallocate -l \${k}k $f ;;
    4) [ $type = ext4 ] && [ -e $f ] && fallocate -p -o $((RANDOM % 300))k -l \${k}k $f ;;
    5) head -c 5k /dev/urandom >> $f ;;
  esac
done
true
`;

/** Ends with the command in hand: what it leaves running would keep the file system busy. */
const WITHOUT_PAUSE = `
trap exit TERM
cd "$1"
while kill -0 "$PPID" 2> /dev/null; do
  f=comes$((RANDOM % 40))
  fallocate -l $((RANDOM % 1500 + 1))k $f; rm -f comes$((RANDOM % 40)); head -c 200k /dev/zero > comes$((RANDOM % 40))
done
`;
