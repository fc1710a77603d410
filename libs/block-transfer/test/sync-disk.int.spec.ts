import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  clipExtents,
  digestDisk,
  DigestTable,
  endOf,
  invertExtents,
  mergeExtents,
  openSourceDisk,
  startNbdkit,
  syncDisk,
  totalBytes,
  usedBlocksOf,
  type RoundProgress,
  type SyncDiskResult,
  type UsedMap,
} from '#libs/block-transfer';
import type { ByteRange } from '#libs/contracts';
import { ExtDisk } from './ext-disk.js';
import { fillWithGarbage } from './garbage.js';

const MIB = 1024 * 1024;
const DISK_BYTES = 320 * MIB;

/** Byte by byte: the target equals the source where it is used, and is zero elsewhere. */
async function expectCanonical(device: string, target: string, used: UsedMap): Promise<void> {
  const source = await openSourceDisk(device);
  const file = await open(target, 'r');
  const [wanted, found] = [Buffer.alloc(MIB), Buffer.alloc(MIB)];
  for (let offset = 0; offset < used.diskBytes; offset += MIB) {
    await source.read(wanted, offset);
    await file.read(found, 0, MIB, offset);
    const window = clipExtents(used.extents, { offsetBytes: offset, lengthBytes: MIB });
    const local = window.map((range) => ({ ...range, offsetBytes: range.offsetBytes - offset }));
    for (const gap of invertExtents(local, MIB)) wanted.fill(0, gap.offsetBytes, endOf(gap));
    if (!wanted.equals(found)) expect.fail(`the target differs in the MiB at ${offset}`);
  }
  await file.close();
  await source.close();
}

describe('rounds over a mounted ext4 disk', () => {
  let disk: ExtDisk;
  let target: string;
  let digests: DigestTable;
  let acknowledged: ByteRange[];
  let progress: RoundProgress[];

  beforeEach(async () => {
    // Else the kernel goes on making the file system for some time after it was mounted.
    disk = await ExtDisk.create(DISK_BYTES, { mkfs: ['-E', 'lazy_itable_init=0,lazy_journal_init=0'] });
    target = join(disk.folder, 'target.img');
    // A target that was used before: what is not sent must become zero.
    await fillWithGarbage(target, [{ offsetBytes: 0, lengthBytes: DISK_BYTES }]);
    digests = DigestTable.unknown(DISK_BYTES, 'blake3');
    await disk.fill('kept', 40, 3 * MIB + 5000);
    await disk.fill('small', 1500, 3000);
    await disk.fill('gone', 20, 4 * MIB);
    // Deleted only after they were written out, so that free blocks hold data.
    await disk.usedBytes();
    for (let index = 0; index < 20; index += 1) await rm(join(disk.mountPoint, `gone${index}`));
  });
  afterEach(() => disk.dispose());

  async function round(baseline: DigestTable | null): Promise<{ result: SyncDiskResult; used: UsedMap }> {
    acknowledged = [];
    progress = [];
    const used = await usedBlocksOf(disk.describe());
    const source = await openSourceDisk(disk.device);
    const server = await startNbdkit({ path: target, host: '127.0.0.1' });
    try {
      const result = await syncDisk({
        diskId: 'test-disk',
        source,
        used,
        target: server.export,
        baseline,
        digests,
        onProgress: (sample) => progress.push(sample),
        onAcknowledged: (ranges) => acknowledged.push(...ranges),
      });
      return { result, used };
    } finally {
      await server.close();
      await source.close();
    }
  }

  async function expectEqualEnds(result: SyncDiskResult, used: UsedMap): Promise<void> {
    await expectCanonical(disk.device, target, used);
    const { algorithm } = digests;
    expect((await digestDisk(target, { algorithm })).rootDigest).toBe(result.rootDigest);
    expect(await digests.rootDigest()).toBe(result.rootDigest);
  }

  it('are the same bytes with SHA-256, and never compare digests of different kinds', async () => {
    digests = DigestTable.unknown(DISK_BYTES, 'sha256');
    const { result, used } = await round(null);
    expect(result.digestAlgorithm).toBe('sha256');
    await expectEqualEnds(result, used);
    const kept = digests;
    digests = DigestTable.unknown(DISK_BYTES, 'blake3');
    await expect(round(kept)).rejects.toThrow(/another algorithm/);
    digests = kept;
    expect((await round(kept)).result.sentBytes).toBeLessThan(MIB);
  });

  it('arrive identical: full, incremental, with freed blocks, and final', async () => {
    const fileSystemUsed = await disk.usedBytes();
    const full = await round(null);
    await expectEqualEnds(full.result, full.used);
    expect(full.result.sentBytes).toBeLessThanOrEqual(1.15 * fileSystemUsed);
    expect(full.result.sentBytes).toBeGreaterThan(0.95 * fileSystemUsed);
    expect(mergeExtents(acknowledged)).toEqual([{ offsetBytes: 0, lengthBytes: DISK_BYTES }]);
    expect(progress.at(-1)).toEqual({
      activity: 'flushing',
      plannedBytes: full.result.readBytes,
      processedBytes: full.result.readBytes,
      sentBytes: full.result.sentBytes,
      acknowledgedBytes: full.result.sentBytes,
    });

    const idle = await round(digests);
    expect(idle.result.sentBytes).toBeLessThan(MIB);
    expect(idle.result.readBytes).toBe(full.result.readBytes);
    await expectEqualEnds(idle.result, idle.used);

    for (let index = 0; index < 16; index += 1) await disk.overwrite(`kept${index}`, MIB / 2, 2 * MIB);
    const incremental = await round(digests);
    expect(incremental.result.sentBytes).toBeGreaterThanOrEqual(32 * MIB);
    expect(incremental.result.sentBytes).toBeLessThanOrEqual(1.5 * 32 * MIB);
    expect(totalBytes(mergeExtents(acknowledged))).toBe(incremental.result.sentBytes + incremental.result.zeroedBytes);
    await expectEqualEnds(incremental.result, incremental.used);

    for (let index = 20; index < 40; index += 1) await rm(join(disk.mountPoint, `kept${index}`));
    const freed = await round(digests);
    expect(freed.result.zeroedBytes).toBeGreaterThan(40 * MIB);
    expect(freed.used.usedBytes).toBeLessThan(incremental.used.usedBytes - 40 * MIB);
    await expectEqualEnds(freed.result, freed.used);

    await disk.put('last', 5 * MIB);
    const tree = await disk.ownTree();
    await disk.unmount();
    // Another table object than the baseline is filled just the same.
    const baseline = digests;
    digests = DigestTable.unknown(DISK_BYTES, 'blake3');
    const final = await round(baseline);
    await expectEqualEnds(final.result, final.used);
    await disk.check(target);
    expect(await disk.treeOf(target)).toBe(tree);
  });

  it('send everything again when nothing is known, and nothing that is free', async () => {
    await round(null);
    await disk.overwrite('kept0', 0, MIB);
    const again = await round(null);
    await expectEqualEnds(again.result, again.used);
  });
});

describe('odd sizes and servers', () => {
  const ODD_BYTES = 5 * MIB + 3 * 65536 + 1536;
  let folder: string;
  let sourcePath: string;
  let target: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-odd-'));
    sourcePath = join(folder, 'source.img');
    target = join(folder, 'target.img');
    await fillWithGarbage(sourcePath, [{ offsetBytes: 0, lengthBytes: ODD_BYTES }]);
    const file = await open(sourcePath, 'r+');
    await file.write(Buffer.alloc(2 * MIB), 0, 2 * MIB, MIB);
    await file.close();
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each([
    ['an ordinary server', [], [], 2 * MIB],
    ['one that cannot zero', ['nozero'], [], 0],
    ['one that promises nothing across connections', ['multi-conn'], ['multi-conn-mode=disable'], 2 * MIB],
  ])('a disk that ends within a block arrives through %s', async (_, filters, parameters, zeroedBytes) => {
    const used = {
      diskBytes: ODD_BYTES,
      usedBytes: ODD_BYTES - 7000,
      extents: [
        { offsetBytes: 0, lengthBytes: 100_000 },
        { offsetBytes: 107_000, lengthBytes: ODD_BYTES - 107_000 },
      ],
    };
    const source = await openSourceDisk(sourcePath);
    const server = await startNbdkit({ path: target, sizeBytes: ODD_BYTES, host: '127.0.0.1', filters, parameters });
    const digests = DigestTable.unknown(ODD_BYTES, 'blake3');
    try {
      const options = { diskId: 'odd', source, used, target: server.export, digests };
      const full = await syncDisk({ ...options, baseline: null });
      await expectCanonicalFile(sourcePath, target, used);
      expect((await digestDisk(target, { algorithm: 'blake3' })).rootDigest).toBe(full.rootDigest);
      // What lies between the used extents is zeroed as whole pages; blocks of zeros are never sent.
      const between = zeroedBytes === 0 ? 0 : 4096;
      expect(full.zeroedBytes).toBe(zeroedBytes + between);
      expect(full.sentBytes + full.zeroedBytes).toBe(ODD_BYTES);
      const next = await syncDisk({ ...options, baseline: digests });
      expect(next).toMatchObject({ sentBytes: 0, zeroedBytes: 0, rootDigest: full.rootDigest });
    } finally {
      await server.close();
      await source.close();
    }
  });

  async function expectCanonicalFile(source: string, copy: string, used: UsedMap): Promise<void> {
    const [left, right] = [await open(source, 'r'), await open(copy, 'r')];
    const [wanted, found] = [await left.readFile(), await right.readFile()];
    await left.close();
    await right.close();
    for (const gap of invertExtents(used.extents, used.diskBytes)) wanted.fill(0, gap.offsetBytes, endOf(gap));
    expect(wanted.equals(found)).toBe(true);
  }
});
