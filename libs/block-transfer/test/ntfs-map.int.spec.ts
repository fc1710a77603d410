import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { clipExtents, invertExtents, parseDomainMap, totalBytes, usedBlocksOf } from '#libs/block-transfer';
import { ntfsFreeWhileStill } from '../src/used-blocks/ntfs/ntfs-free-extents.js';
import { readLive } from '../src/used-blocks/still-file-system.js';
import { run } from './ext-disk.js';
import { FileSystemImage } from './file-system-image.js';
import { partcloneMap, PartitionDisk } from './partition-disk.js';

const MIB = 1024 * 1024;
/** Images of hundreds of megabytes are written, copied, spoiled and compared. */
vi.setConfig({ testTimeout: 240_000 });
const DISK_BYTES = 202 * MIB;
const LIVE_TURNS = 2;

const ntfs = (...mkfs: string[]) => ({
  type: 'ntfs',
  mkfs: ['mkntfs', '-q', '-f', ...mkfs] as const,
  mount: ['-t', 'ntfs-3g'],
  check: (device: string) => run('ntfsfix', '-n', device),
});

describe('the map of an ntfs', () => {
  let disk: PartitionDisk | null = null;
  afterEach(async () => {
    await disk?.dispose();
    disk = null;
  });

  it.each([
    ['as it is made by default', []],
    ['with clusters of 512 bytes', ['-c', '512']],
    ['with clusters of 16 KiB', ['-c', '16384']],
  ])('leaves out only what nothing needs: %s', async (_name, mkfs) => {
    disk = await PartitionDisk.create(DISK_BYTES, ntfs(...mkfs));
    await disk.mount();
    await disk.populate();
    const tree = await disk.ownTree();
    await disk.unmount();
    const used = await usedBlocksOf(disk.describe(), { onDoubt: refuse });
    const oracle = parseDomainMap(await partcloneMap('partclone.ntfs', disk), MIB);
    const free = invertExtents(used.extents, used.diskBytes);
    expect(oracle.used.flatMap((range) => clipExtents(free, range))).toEqual([]);
    expect(used.usedBytes).toBeLessThan(totalBytes(oracle.used) * 1.01 + 3 * MIB);
    const copy = await disk.copy('spoiled.img');
    await disk.spoilFree(copy, used);
    expect(await disk.treeOf(copy)).toBe(tree);
  });

  it('is right while a writer never stops', async () => {
    disk = await PartitionDisk.create(DISK_BYTES, ntfs());
    await disk.mount();
    const writer = disk.startWriter();
    await once(writer.stdout ?? writer, 'data');
    for (let turn = 0; turn < LIVE_TURNS; turn += 1) {
      writer.kill('SIGSTOP');
      const used = await usedBlocksOf(disk.describe(), { onDoubt: refuse });
      await run('sync', '-f', disk.mountPoint);
      const [whole, spoiled] = [await disk.copy('whole.img'), await disk.copy('spoiled.img')];
      writer.kill('SIGCONT');
      await disk.spoilFree(spoiled, used);
      const tree = await disk.treeOf(whole);
      expect(tree.length).toBeGreaterThan(1000);
      expect(await disk.treeOf(spoiled)).toBe(tree);
    }
  });

  it('keeps a list that fits into memory of a badly fragmented one', async () => {
    const image = await FileSystemImage.create('ntfs', 2048 * MIB, (path) =>
      run('mkntfs', '-q', '-Q', '-F', '-c', '4096', path),
    );
    try {
      const before = totalBytes(await image.free());
      const bitmap = await contentOffset(image.path, await recordOffset(image.path, 6));
      // Every second cluster of 500 MiB is in use, then of 750 MiB: far from where the log is.
      const [some, many] = [16_000, 24_000];
      await image.patch(bitmap + 40_000, Buffer.alloc(some, 0x55));
      const fragmented = await image.free();
      expect(totalBytes(fragmented)).toBe(before - some * 4 * 4096);
      expect(fragmented.length).toBeGreaterThan(some * 4);
      await image.patch(bitmap + 40_000, Buffer.alloc(many, 0x55));
      const coarse = await image.free();
      expect(coarse.length).toBeLessThan(10);
      expect(totalBytes(coarse)).toBeLessThanOrEqual(before - many * 8 * 4096);
      expect(totalBytes(coarse)).toBeGreaterThan(before - many * 8 * 4096 - MIB);
    } finally {
      await image.dispose();
    }
  });

  it('is all of it when the volume was not left in order, or its own files do not fit', async () => {
    disk = await PartitionDisk.create(DISK_BYTES, ntfs());
    const doubts: string[] = [];
    const options = { onDoubt: (_device: string, reason: string): void => void doubts.push(reason) };
    const clean = await usedBlocksOf(disk.describe(), options);
    expect(clean.usedBytes).toBeLessThan(20 * MIB);
    expect(clean.extents.at(-1)).toMatchObject({ offsetBytes: DISK_BYTES - MIB - 4096 });
    const [log, volume] = [await recordOffset(disk.partition, 2), await recordOffset(disk.partition, 3)];
    // The log of a volume that a client (Windows) has open.
    await patch(disk, await contentOffset(disk.partition, log), openRestartPage());
    expect((await usedBlocksOf(disk.describe(), options)).usedBytes).toBe(DISK_BYTES);
    await patch(disk, await contentOffset(disk.partition, log), Buffer.alloc(4096, 0xff));
    expect((await usedBlocksOf(disk.describe(), options)).usedBytes).toBe(clean.usedBytes);
    await run('ntfsfix', disk.partition);
    expect((await usedBlocksOf(disk.describe(), options)).usedBytes).toBe(DISK_BYTES);
    // A kernel that has it in hand would have made it dirty itself, and so is to be believed.
    const place = { device: disk.partition, startBytes: MIB, sizeBytes: disk.partitionBytes };
    const inUse = await readLive(place, {}, (fileSystem) => ntfsFreeWhileStill(fileSystem, true));
    expect(totalBytes(inUse)).toBe(DISK_BYTES - clean.usedBytes);
    await patch(disk, volume, Buffer.from('BAAD'));
    expect((await usedBlocksOf(disk.describe(), options)).usedBytes).toBe(DISK_BYTES);
    expect(doubts).toEqual([
      expect.stringContaining('hibernated'),
      expect.stringContaining('not left in order'),
      expect.stringContaining('does not begin with FILE'),
    ]);
  });
});

function refuse(device: string, reason: string): void {
  throw new Error(`${device}: ${reason}`);
}

async function readAt(device: string, offsetBytes: number, lengthBytes: number): Promise<Buffer> {
  const file = await open(device, 'r');
  const { buffer } = await file.read(Buffer.alloc(lengthBytes), 0, lengthBytes, offsetBytes);
  await file.close();
  return buffer;
}

async function patch(disk: PartitionDisk, offsetBytes: number, bytes: Buffer): Promise<void> {
  const file = await open(disk.partition, 'r+');
  await file.write(bytes, 0, bytes.length, offsetBytes);
  await file.sync();
  await file.close();
}

/** Where a record of the master file table is: of 1 KiB each, in clusters of 4 KiB. */
async function recordOffset(device: string, record: number): Promise<number> {
  const boot = await readAt(device, 0, 512);
  return Number(boot.readBigUInt64LE(48)) * 4096 + record * 1024;
}

/** Where the content of a file begins, read the simple way: its first run is in the last attribute of its record. */
async function contentOffset(device: string, record: number): Promise<number> {
  const bytes = await readAt(device, record, 1024);
  for (let at = bytes.readUInt16LE(20); ; at += bytes.readUInt32LE(at + 4)) {
    if (bytes.readUInt32LE(at) !== 0x80) continue;
    const runs = at + bytes.readUInt16LE(at + 32);
    const sizes = bytes.readUInt8(runs);
    return bytes.readIntLE(runs + 1 + (sizes & 0xf), sizes >> 4) * 4096;
  }
}

function openRestartPage(): Buffer {
  const page = Buffer.alloc(4096);
  page.write('RSTR', 0, 'latin1');
  page.writeUInt16LE(30, 4);
  page.writeUInt16LE(9, 6);
  page.writeUInt32LE(4096, 16);
  page.writeUInt32LE(4096, 20);
  page.writeUInt16LE(48, 24);
  page.writeUInt16LE(0, 48 + 12);
  for (let sector = 1; sector <= 8; sector += 1) page.writeUInt16LE(page.readUInt16LE(30), sector * 512 - 2);
  return page;
}
