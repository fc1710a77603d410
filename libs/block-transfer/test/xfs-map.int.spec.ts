import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ByteRange } from '#libs/contracts';
import {
  clipExtents,
  invertExtents,
  openSourceDisk,
  parseDomainMap,
  totalBytes,
  usedBlocksOf,
  usedMapFromFree,
  type UsedMap,
} from '#libs/block-transfer';
import type { StillFileSystem } from '../src/used-blocks/still-file-system.js';
import { xfsFreeSpace } from '../src/used-blocks/xfs/xfs-free-space.js';
import { xfsFreeExtents } from '../src/used-blocks/xfs/xfs-free-extents.js';
import { parseXfsSuperblock, XFS_SECTOR_MAX_BYTES } from '../src/used-blocks/xfs/xfs-superblock.parser.js';
import { run } from './ext-disk.js';
import { fillWithGarbage } from './garbage.js';
import { partcloneMap, PartitionDisk } from './partition-disk.js';

const MIB = 1024 * 1024;
/** Images of hundreds of megabytes are written, copied, spoiled and compared. */
vi.setConfig({ testTimeout: 240_000 });
const LIVE_TURNS = 2;

const xfs = (...mkfs: string[]) => ({
  type: 'xfs',
  mkfs: ['mkfs.xfs', '-q', '-f', ...mkfs] as const,
  mountCopy: ['-o', 'nouuid'],
  check: (device: string) => run('xfs_repair', '-n', device),
});

/** Bytes that one map calls free and the other one used. */
function freeAgainst(map: UsedMap, other: UsedMap): number {
  const free = invertExtents(map.extents, map.diskBytes);
  return free.reduce((sum, range) => sum + totalBytes(clipExtents(other.extents, range)), 0);
}

describe('the map of an xfs', () => {
  let disk: PartitionDisk | null = null;
  afterEach(async () => {
    await run('fsfreeze', '--unfreeze', disk?.mountPoint ?? '').catch(() => undefined);
    await disk?.dispose();
    disk = null;
  });

  it.each([
    ['version 5', ['-m', 'reflink=1,rmapbt=1,bigtime=1', '-i', 'nrext64=1'], true],
    ['version 5, 1 KiB blocks, no finobt', ['-b', 'size=1024', '-m', 'reflink=0,finobt=0', '-i', 'nrext64=0'], false],
    ['4 KiB sectors', ['-s', 'size=4096', '-l', 'size=64m'], true],
  ])('leaves out only what nothing needs: %s', async (_name, mkfs, reflink) => {
    disk = await PartitionDisk.create(322 * MIB, xfs(...mkfs));
    await disk.mount();
    await disk.populate();
    if (reflink)
      await disk.shell(
        'cp --reflink=always big twin; dd if=/dev/urandom of=twin bs=4096 seek=99 count=50 conv=notrunc status=none',
      );
    const tree = await disk.ownTree();
    await disk.unmount();
    const used = await usedBlocksOf(disk.describe(), { onDoubt: refuse });
    await expectLikePartclone(disk, used);
    const copy = await disk.copy('spoiled.img');
    await disk.spoilFree(copy, used);
    expect(await disk.treeOf(copy)).toBe(tree);
  });

  it('is exact on one that is nearly full', async () => {
    disk = await PartitionDisk.create(322 * MIB, xfs());
    await disk.mount();
    await disk.shell('i=0; while head -c 700001 /dev/urandom > $i 2>/dev/null; do i=$((i+1)); done; rm 3 50 90');
    const tree = await disk.ownTree();
    await disk.unmount();
    const used = await usedBlocksOf(disk.describe(), { onDoubt: refuse });
    expect(used.usedBytes).toBeGreaterThan(0.9 * disk.sizeBytes);
    expect(used.usedBytes).toBeLessThan(disk.sizeBytes - 2 * MIB);
    const copy = await disk.copy('spoiled.img');
    await disk.spoilFree(copy, used);
    expect(await disk.treeOf(copy)).toBe(tree);
  });

  it('would be wrong if it were read without further ado while mounted: synced files lie where it says free', async () => {
    disk = await PartitionDisk.create(322 * MIB, xfs());
    await disk.mount();
    await disk.shell('sync -f .; for i in $(seq 1 50); do head -c 100000 /dev/urandom > s$i; sync s$i; done');
    const rash = await readRashly(disk);
    const place = { device: disk.partition, startBytes: MIB, sizeBytes: disk.partitionBytes };
    const kernel = mapOf(disk, await xfsFreeExtents(place, requestOf(disk)));
    await disk.shell('for i in $(seq 1 50); do head -c 100000 /dev/urandom > t$i; sync t$i; done');
    const rashAgain = await readRashly(disk);
    const moment = mapOf(disk, await xfsFreeExtents(place, requestOf(disk), () => Promise.resolve(null)));
    await run('fsfreeze', '--freeze', disk.mountPoint);
    const held = await usedBlocksOf(disk.describe(), { isHeld: () => true, onDoubt: refuse });
    expect(freeAgainst(rash, held)).toBeGreaterThanOrEqual(50 * 100_000);
    expect(freeAgainst(rash, kernel)).toBeGreaterThanOrEqual(50 * 100_000);
    expect(freeAgainst(rashAgain, moment)).toBeGreaterThanOrEqual(50 * 100_000);
    expect(freeAgainst(moment, held)).toBe(0);
    const copies = { rash: await disk.copy('rash.img'), held: await disk.copy('held.img') };
    await run('fsfreeze', '--unfreeze', disk.mountPoint);
    await disk.spoilFree(copies.rash, rash);
    await disk.spoilFree(copies.held, held);
    const tree = await disk.ownTree();
    expect(await disk.treeOf(copies.held)).toBe(tree);
    expect(await disk.treeOf(copies.rash).catch(() => 'damaged')).not.toBe(tree);
  });

  it('is right while a writer never stops: held still, asked of the kernel, and frozen for a moment', async () => {
    disk = await PartitionDisk.create(322 * MIB, xfs());
    await disk.mount();
    const writer = disk.startWriter();
    await once(writer.stdout ?? writer, 'data');
    for (let turn = 0; turn < LIVE_TURNS; turn += 1) {
      await run('fsfreeze', '--freeze', disk.mountPoint);
      const held = await usedBlocksOf(disk.describe(), { isHeld: () => true, onDoubt: refuse });
      await expectIntact(disk, held, () => Promise.resolve());
      await run('fsfreeze', '--unfreeze', disk.mountPoint);
      // Stopped anywhere between two system calls: memory, log and disk are at different points.
      writer.kill('SIGSTOP');
      const kernel = await usedBlocksOf(disk.describe(), { onDoubt: refuse });
      await expectIntact(disk, kernel, () => run('fsfreeze', '--freeze', disk?.mountPoint ?? ''));
      await run('fsfreeze', '--unfreeze', disk.mountPoint);
      const place = { device: disk.partition, startBytes: 0, sizeBytes: disk.partitionBytes };
      const moment = await xfsFreeExtents(place, requestOf(disk), () => Promise.resolve(null));
      const knowing = await xfsFreeExtents(place, requestOf(disk));
      expect([...moment]).toEqual([...knowing]);
      writer.kill('SIGCONT');
    }
  });

  it('knows version 4, which new kernels do not mount', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'landfall-proto-'));
    await run('sh', '-c', `head -c 20000000 /dev/urandom > ${folder}/file`);
    await writeFile(join(folder, 'proto'), `/\n0 0\nd--755 0 0\nnode ---644 0 0 ${folder}/file\n$\n`);
    disk = await PartitionDisk.create(322 * MIB, xfs('-m', 'crc=0', '-p', join(folder, 'proto')));
    await rm(folder, { recursive: true });
    const used = await usedBlocksOf(disk.describe(), { onDoubt: refuse });
    await expectLikePartclone(disk, used);
    await fillWithGarbage(disk.imagePath, invertExtents(used.extents, used.diskBytes));
    await disk.options.check(disk.partition);
  });

  it('is all of it where nothing can be known', async () => {
    disk = await PartitionDisk.create(322 * MIB, xfs());
    const doubts: string[] = [];
    const onDoubt = (_device: string, reason: string): void => void doubts.push(reason);
    await disk.mount();
    const place = { device: disk.partition, startBytes: 0, sizeBytes: disk.partitionBytes };
    const { holdStill: _, ...cannotHold } = requestOf(disk);
    await expect(xfsFreeExtents(place, cannotHold, () => Promise.resolve(null))).rejects.toThrow(
      /cannot be held still/,
    );
    // The journal of a machine that was switched off: what is in place is not what is true.
    await disk.shell('head -c 100000 /dev/urandom > a; sync a; xfs_io -x -c "shutdown -f" .');
    await disk.unmount();
    expect((await usedBlocksOf(disk.describe(), { onDoubt })).usedBytes).toBe(disk.sizeBytes);
    await disk.mount();
    await disk.unmount();
    expect((await usedBlocksOf(disk.describe(), { onDoubt: refuse })).usedBytes).toBeLessThan(disk.sizeBytes / 2);
    const claim = await openSourceDisk(disk.partition, { exclusive: true });
    expect((await usedBlocksOf(disk.describe(), { onDoubt })).usedBytes).toBe(disk.sizeBytes);
    await claim.close();
    await run(
      'dd',
      'if=/dev/urandom',
      `of=${disk.partition}`,
      'bs=4096',
      'seek=1',
      'count=1',
      'conv=fsync',
      'status=none',
    );
    expect((await usedBlocksOf(disk.describe(), { onDoubt })).usedBytes).toBe(disk.sizeBytes);
    // Content that the free-space trees of this device do not know.
    const beside = join(disk.folder, 'beside.img');
    await run('truncate', '-s', '80M', beside);
    for (const mkfs of [
      ['-l', `logdev=${beside},size=64m`],
      ['-r', `rtdev=${beside}`],
    ]) {
      await run('mkfs.xfs', '-q', '-f', ...mkfs, disk.partition);
      expect((await usedBlocksOf(disk.describe(), { onDoubt })).usedBytes).toBe(disk.sizeBytes);
    }
    expect(doubts).toEqual([
      'the log of xfs is not clean',
      expect.stringContaining('in use by something'),
      expect.stringMatching(/free space of xfs group 0/),
      'xfs has its log on another device',
      'xfs has a realtime device',
    ]);
  });
});

/** All that partclone calls used is used, and hardly anything else: it knows nothing of the disk around the partition. */
async function expectLikePartclone(disk: PartitionDisk, used: UsedMap): Promise<void> {
  const oracle = parseDomainMap(await partcloneMap('partclone.xfs', disk), MIB);
  const free = invertExtents(used.extents, used.diskBytes);
  expect(oracle.used.flatMap((range) => clipExtents(free, range))).toEqual([]);
  expect(used.usedBytes).toBeLessThan(totalBytes(oracle.used) * 1.01 + 3 * MIB);
}

function refuse(device: string, reason: string): void {
  throw new Error(`${device}: ${reason}`);
}

const NOTHING_INSIDE = {
  freeOn: () => Promise.resolve([]),
  freeInBytes: () => Promise.resolve(null),
  doubting: (_name: string, read: () => Promise<ByteRange[]>) => read(),
};

function requestOf(disk: PartitionDisk) {
  return {
    diskDevice: disk.device,
    mountPoint: disk.mountPoint,
    ...NOTHING_INSIDE,
    holdStill: async (mountPoint: string) => {
      await run('fsfreeze', '--freeze', mountPoint);
      const release = () => run('fsfreeze', '--unfreeze', mountPoint).then(() => true);
      return { lost: new AbortController().signal, release };
    },
  };
}

/** What nobody should do: the trees as they are on the disk of a mounted file system. */
async function readRashly(disk: PartitionDisk): Promise<UsedMap> {
  const source = await openSourceDisk(disk.partition);
  const fileSystem: StillFileSystem = {
    startBytes: MIB,
    sizeBytes: source.sizeBytes,
    read: async (offsetBytes, lengthBytes) => {
      const bytes = Buffer.alloc(lengthBytes);
      await source.read(bytes, offsetBytes);
      return bytes;
    },
  };
  const geometry = parseXfsSuperblock(await fileSystem.read(0, XFS_SECTOR_MAX_BYTES));
  const free = await xfsFreeSpace(fileSystem, geometry);
  await source.close();
  return mapOf(disk, free);
}

function mapOf(disk: PartitionDisk, free: Iterable<ByteRange>): UsedMap {
  return usedMapFromFree(disk.sizeBytes, free);
}

/** What the map leaves out makes no difference to what a machine that starts from this disk sees. */
async function expectIntact(disk: PartitionDisk, used: UsedMap, settle: () => Promise<unknown>): Promise<void> {
  await settle();
  const [whole, spoiled] = [await disk.copy('whole.img'), await disk.copy('spoiled.img')];
  await disk.spoilFree(spoiled, used);
  const tree = await disk.treeOf(whole);
  expect(tree.length).toBeGreaterThan(1000);
  expect(await disk.treeOf(spoiled)).toBe(tree);
}
