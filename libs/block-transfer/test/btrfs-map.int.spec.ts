import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
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
import type { ByteRange } from '#libs/contracts';
import { btrfsFreeExtents, btrfsFreeWhileStill } from '../src/used-blocks/btrfs/btrfs-free-extents.js';
import { crc32c } from '../src/used-blocks/crc32c.js';
import { run } from './ext-disk.js';
import { partcloneMap, PartitionDisk } from './partition-disk.js';

const MIB = 1024 * 1024;
/** Images of hundreds of megabytes are written, copied, spoiled and compared. */
vi.setConfig({ testTimeout: 240_000 });
const DISK_BYTES = 322 * MIB;
const LIVE_TURNS = 2;
const SUPERBLOCK_OFFSET_BYTES = 65_536;

const btrfs = (...mkfs: string[]) => ({
  type: 'btrfs',
  mkfs: ['mkfs.btrfs', '-q', '-f', ...mkfs] as const,
  // Two file systems with one uuid are one to the kernel.
  prepareCopy: (device: string) => run('btrfstune', '-f', '-M', randomUUID(), device),
  check: (device: string) => run('btrfs', 'check', '--readonly', device),
});

describe('the map of a btrfs', () => {
  let disk: PartitionDisk | null = null;
  afterEach(async () => {
    await run('fsfreeze', '--unfreeze', disk?.mountPoint ?? '').catch(() => undefined);
    await disk?.dispose();
    disk = null;
    await run('btrfs', 'device', 'scan', '--forget').catch(() => undefined);
  });

  it.each([
    ['as it is made by default', [], []],
    ['compressed, one copy of metadata, SHA-256', ['-m', 'single', '--csum', 'sha256'], ['-o', 'compress-force=zstd']],
    ['with mixed groups and small nodes', ['-M', '-n', '4096'], []],
    ['without a free-space tree', ['-R', '^free-space-tree'], []],
  ])('leaves out only what nothing needs: %s', async (_name, mkfs, mount) => {
    disk = await PartitionDisk.create(DISK_BYTES, btrfs(...mkfs));
    await disk.mount(...mount);
    await disk.populate();
    await disk.shell(`
      btrfs subvolume create sub >/dev/null; head -c 3000000 /dev/urandom > sub/file; seq 1 200000 > sub/text
      btrfs subvolume snapshot sub snapshot >/dev/null; head -c 500000 /dev/urandom | dd of=sub/file bs=4096 seek=9 conv=notrunc status=none
      cp --reflink=always big twin; head -c 200000 /dev/urandom | dd of=twin bs=4096 seek=99 conv=notrunc status=none
      btrfs balance start --full-balance . >/dev/null`);
    const tree = await disk.ownTree();
    await disk.unmount();
    const used = await usedBlocksOf(disk.describe(), { onDoubt: refuse });
    const oracle = parseDomainMap(await partcloneMap('partclone.btrfs', disk), MIB);
    // It calls used what deleted files have left, too, so that it bounds the map from one side only; btrfs' own check
    // and the content of all files bound it from the other.
    expect(used.usedBytes).toBeLessThan(totalBytes(oracle.used) * 1.01 + 5 * MIB);
    const copy = await disk.copy('spoiled.img');
    await disk.spoilFree(copy, used);
    expect(await disk.treeOf(copy)).toBe(tree);
  });

  it('is exact on one that is nearly full', async () => {
    disk = await PartitionDisk.create(DISK_BYTES, btrfs('-m', 'single'));
    await disk.mount();
    await disk.shell('i=0; while head -c 700001 /dev/urandom > $i 2>/dev/null; do i=$((i+1)); done; rm 3 50 90');
    const tree = await disk.ownTree();
    await disk.unmount();
    const used = await usedBlocksOf(disk.describe(), { onDoubt: refuse });
    expect(used.usedBytes).toBeGreaterThan(0.6 * disk.sizeBytes);
    const copy = await disk.copy('spoiled.img');
    await disk.spoilFree(copy, used);
    expect(await disk.treeOf(copy)).toBe(tree);
  });

  it('would be wrong if it were read without further ado while mounted: synced files lie where it says free', async () => {
    disk = await PartitionDisk.create(DISK_BYTES, btrfs());
    await disk.mount('-o', 'commit=300');
    await disk.shell('sync -f .; for i in $(seq 1 50); do head -c 100000 /dev/urandom > s$i; sync s$i; done');
    await expect(readRashly(disk, false)).rejects.toThrow(/log of btrfs/);
    const rash = usedMapFromFree(disk.sizeBytes, await readRashly(disk, true));
    const place = { device: disk.partition, startBytes: MIB, sizeBytes: disk.partitionBytes };
    const moment = usedMapFromFree(disk.sizeBytes, await btrfsFreeExtents(place, requestOf(disk)));
    await run('fsfreeze', '--freeze', disk.mountPoint);
    const held = await usedBlocksOf(disk.describe(), { isHeld: () => true, onDoubt: refuse });
    expect(freeAgainst(rash, held)).toBeGreaterThanOrEqual(50 * 100_000);
    expect(freeAgainst(moment, held)).toBe(0);
    const copy = await disk.copy('held.img');
    await run('fsfreeze', '--unfreeze', disk.mountPoint);
    await disk.spoilFree(copy, held);
    const tree = await disk.ownTree();
    expect(await disk.treeOf(copy)).toBe(tree);
  });

  it('is right while a writer never stops: held still, and frozen for a moment', async () => {
    disk = await PartitionDisk.create(DISK_BYTES, btrfs());
    await disk.mount();
    const writer = disk.startWriter();
    await once(writer.stdout ?? writer, 'data');
    for (let turn = 0; turn < LIVE_TURNS; turn += 1) {
      await run('fsfreeze', '--freeze', disk.mountPoint);
      const held = await usedBlocksOf(disk.describe(), { isHeld: () => true, onDoubt: refuse });
      await expectIntact(disk, held);
      await run('fsfreeze', '--unfreeze', disk.mountPoint);
      writer.kill('SIGSTOP');
      // The second freeze finds nothing to write: the first one and its thaw have left a state of their own.
      const moment = await usedBlocksOf(disk.describe(), { ...requestOf(disk), onDoubt: refuse });
      await run('fsfreeze', '--freeze', disk.mountPoint);
      await expectIntact(disk, moment);
      await run('fsfreeze', '--unfreeze', disk.mountPoint);
      writer.kill('SIGCONT');
    }
  });

  it('is all of it where nothing can be known', async () => {
    const doubts: string[] = [];
    const onDoubt = (_device: string, reason: string): void => void doubts.push(reason);
    disk = await PartitionDisk.create(DISK_BYTES, btrfs());
    await disk.mount();
    expect((await usedBlocksOf(disk.describe(), { onDoubt })).usedBytes).toBe(DISK_BYTES);
    await disk.unmount();
    expect((await usedBlocksOf(disk.describe(), { onDoubt: refuse })).usedBytes).toBeLessThan(10 * MIB);
    const profile = ['-q', '-f', '-d', 'raid0', disk.partition];
    await run('mkfs.btrfs', ...profile);
    expect((await usedBlocksOf(disk.describe(), { onDoubt })).usedBytes).toBe(DISK_BYTES);
    for (const mkfs of [['--csum', 'xxhash'], []]) {
      await run('mkfs.btrfs', '-q', '-f', ...mkfs, disk.partition);
      if (mkfs.length === 0) await run('btrfstune', '-S', '1', disk.partition);
      expect((await usedBlocksOf(disk.describe(), { onDoubt })).usedBytes).toBe(DISK_BYTES);
    }
    expect(doubts).toEqual([
      expect.stringContaining('cannot be held still'),
      expect.stringContaining('btrfs spreads its data'),
      expect.stringContaining('checksums of a kind'),
      expect.stringContaining('features that are not known'),
    ]);
  });
});

function refuse(device: string, reason: string): void {
  throw new Error(`${device}: ${reason}`);
}

function requestOf(disk: PartitionDisk) {
  return {
    diskDevice: disk.device,
    mountPoint: disk.mountPoint,
    freeOn: () => Promise.resolve([]),
    freeInBytes: () => Promise.resolve(null),
    doubting: (_name: string, read: () => Promise<ByteRange[]>) => read(),
    holdStill: async (mountPoint: string) => {
      await run('fsfreeze', '--freeze', mountPoint);
      const release = () => run('fsfreeze', '--unfreeze', mountPoint).then(() => true);
      return { lost: new AbortController().signal, release };
    },
  };
}

/** Bytes that one map calls free and the other one used. */
function freeAgainst(map: UsedMap, other: UsedMap): number {
  const free = invertExtents(map.extents, map.diskBytes);
  return free.reduce((sum, range) => sum + totalBytes(clipExtents(other.extents, range)), 0);
}

/** What nobody should do: the trees as they are on the disk of a mounted file system, if need be with the log denied. */
async function readRashly(disk: PartitionDisk, denyLog: boolean): Promise<ByteRange[]> {
  const source = await openSourceDisk(disk.partition);
  try {
    const free = await btrfsFreeWhileStill({
      startBytes: MIB,
      sizeBytes: source.sizeBytes,
      read: async (offsetBytes, lengthBytes) => {
        const bytes = Buffer.alloc(lengthBytes);
        await source.read(bytes, offsetBytes);
        if (denyLog && offsetBytes === SUPERBLOCK_OFFSET_BYTES) {
          bytes.writeBigUInt64LE(0n, 96);
          bytes.writeUInt32LE(crc32c(bytes.subarray(32)), 0);
        }
        return bytes;
      },
    });
    return [...free];
  } finally {
    await source.close();
  }
}

/** What the map leaves out makes no difference to what a machine that starts from this disk sees. */
async function expectIntact(disk: PartitionDisk, used: UsedMap): Promise<void> {
  const [whole, spoiled] = [await disk.copy('whole.img'), await disk.copy('spoiled.img')];
  await disk.spoilFree(spoiled, used);
  const tree = await disk.treeOf(whole);
  expect(tree.length).toBeGreaterThan(1000);
  expect(await disk.treeOf(spoiled)).toBe(tree);
}
