import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ChangeTracker,
  DIGEST_BLOCK_BYTES,
  DiskResume,
  openSourceDisk,
  usedMapOf,
  type TakenChanges,
} from '../src/index.js';
import { ExtDisk, run } from './ext-disk.js';

const MIB = 1024 * 1024;
const DISK_BYTES = 96 * MIB;
/** Else the kernel itself goes on writing inode tables, up to five seconds after the file system was mounted. */
const NOTHING_LEFT_TO_WRITE = ['-E', 'lazy_itable_init=0,lazy_journal_init=0'];
/** Another run of these specs on the same machine has its own. */
const NAME = `landfall-int-spec-${process.pid}`;
const INSTANCE = `/sys/kernel/tracing/instances/${NAME}`;
const TASK = 'task';

const ofDisk = (disk: ExtDisk, diskId = 'disk'): { diskId: string; device: string; sizeBytes: number } => ({
  diskId,
  device: disk.device,
  sizeBytes: disk.sizeBytes,
});

describe('ChangeTracker, by the block events of the kernel', () => {
  let disk: ExtDisk;
  let tracker: ChangeTracker;
  let log: string[];
  let cleanUp: (() => Promise<unknown>)[];

  beforeEach(async () => {
    cleanUp = [];
    disk = await ExtDisk.create(DISK_BYTES, { mkfs: NOTHING_LEFT_TO_WRITE });
    cleanUp.push(() => disk.dispose());
    log = [];
    tracker = trackerWith();
  });
  afterEach(async () => {
    for (const step of cleanUp.reverse()) await step();
  });

  function trackerWith(options: { bufferKibPerCpu?: number } = {}): ChangeTracker {
    const made = new ChangeTracker({
      name: NAME,
      log: (level, message) => log.push(`${level}: ${message}`),
      ...options,
    });
    cleanUp.push(() => made.stop());
    return made;
  }

  /** A round begins: everything is used. */
  async function take(diskId = 'disk', of = disk): Promise<TakenChanges> {
    await run('sync', '-f', of.mountPoint);
    await tracker.settle();
    const used = usedMapOf(of.sizeBytes, [{ offsetBytes: 0, lengthBytes: of.sizeBytes }]);
    return tracker.take(diskId, used, new DiskResume(of.sizeBytes));
  }

  /** Follows the disk, and a first round over it comes to its end. @returns what the disk held then */
  async function firstRound(): Promise<Buffer> {
    await tracker.follow(TASK, [ofDisk(disk)]);
    const first = await take();
    expect(first).toMatchObject({ comparison: 'rescan', reason: 'tracking-began' });
    const content = await readFile(disk.imagePath);
    first.complete();
    return content;
  }

  const dirtyOf = ({ dirty }: TakenChanges, of = disk): number[] =>
    Array.from({ length: of.sizeBytes / DIGEST_BLOCK_BYTES }, (_, index) => index).filter(
      (index) => dirty?.has(index) !== false,
    );

  /** The oracle: blocks that differ between two copies of the whole disk. */
  function changedBlocks(before: Buffer, after: Buffer): number[] {
    const changed: number[] = [];
    for (let index = 0; index * DIGEST_BLOCK_BYTES < before.length; index += 1) {
      const [from, to] = [index * DIGEST_BLOCK_BYTES, (index + 1) * DIGEST_BLOCK_BYTES];
      if (!before.subarray(from, to).equals(after.subarray(from, to))) changed.push(index);
    }
    return changed;
  }

  /** Every block that changed is in the set, and not more than so many others are. */
  async function expectFound(before: Buffer, othersLimit = 100): Promise<void> {
    const second = await take();
    expect(second).toMatchObject({ comparison: 'tracked', reason: null });
    const changed = changedBlocks(before, await readFile(disk.imagePath));
    const dirty = dirtyOf(second);
    expect(changed.length).toBeGreaterThan(0);
    expect(changed.filter((index) => !dirty.includes(index))).toEqual([]);
    expect(dirty.length - changed.length).toBeLessThan(othersLimit);
    second.complete();
  }

  const WAYS: Record<string, () => Promise<unknown>> = {
    'through files': () => disk.fill('file', 4, 300_000),
    'directly, past the page cache': async () => {
      const path = join(disk.mountPoint, 'direct');
      await run('dd', 'if=/dev/urandom', `of=${path}`, 'bs=4096', 'count=9', 'seek=5', 'oflag=direct', 'status=none');
    },
    // SQLite writes the index of its write-ahead log through a shared mapping.
    'through a mapping in memory': async () => {
      const database = new DatabaseSync(join(disk.mountPoint, 'database'));
      database.exec('PRAGMA journal_mode=WAL; CREATE TABLE rows (text TEXT)');
      for (let row = 0; row < 50; row += 1) database.exec(`INSERT INTO rows VALUES ('${String(row).repeat(500)}')`);
      await run('sync', '-f', disk.mountPoint);
      database.close();
    },
    'through the raw device': async () => {
      // The gap between partition table and partition, by a single sector.
      await run(
        'dd',
        'if=/dev/urandom',
        `of=${disk.device}`,
        'bs=512',
        'count=1',
        'seek=300',
        'conv=fsync',
        'status=none',
      );
    },
    'through a device of its own for the partition': async () => {
      await disk.unmount();
      await run(
        'dd',
        'if=/dev/urandom',
        `of=${disk.partition}`,
        'bs=64k',
        'count=3',
        'seek=600',
        'conv=fsync',
        'status=none',
      );
      await disk.mount();
    },
    'by discarding what was deleted': async () => {
      await rm(join(disk.mountPoint, 'old0'));
      await rm(join(disk.mountPoint, 'old1'));
      await run('sync', '-f', disk.mountPoint);
      await run('fstrim', disk.mountPoint);
    },
    'by discarding and zeroing ranges of the device': async () => {
      const tail = DISK_BYTES - MIB;
      await run('blkdiscard', '-f', '-z', '-o', String(tail), '-l', String(256 * 1024), disk.device);
      await run('blkdiscard', '-f', '-o', String(tail + 256 * 1024), '-l', String(256 * 1024), disk.device);
    },
  };

  it.each(Object.keys(WAYS))('finds every block that was written %s', async (way) => {
    await disk.fill('old', 2, 4 * MIB);
    const tail = DISK_BYTES - MIB;
    await run(
      'dd',
      'if=/dev/urandom',
      `of=${disk.device}`,
      'bs=1k',
      `seek=${tail / 1024}`,
      'count=900',
      'conv=fsync',
      'status=none',
    );
    const before = await firstRound();
    await WAYS[way]?.();
    // All that is free is discarded, also where nothing ever was.
    await expectFound(before, way.includes('deleted') ? disk.sizeBytes / DIGEST_BLOCK_BYTES : undefined);
  });

  it('gives each change to one round, and what comes meanwhile to the next', async () => {
    await firstRound();
    await disk.fill('a', 1, MIB);
    const second = await take();
    expect(dirtyOf(second).length).toBeGreaterThanOrEqual(16);
    const before = await readFile(disk.imagePath);
    await disk.fill('b', 1, MIB);
    second.complete();
    await expectFound(before);
    expect(dirtyOf(await take()).length).toBeLessThan(16);
  });

  it('takes blocks back that a round did not come to an end with', async () => {
    const before = await firstRound();
    await disk.fill('a', 1, MIB);
    (await take()).giveBack();
    await expectFound(before);
  });

  it('follows several disks, and an idle one has nothing to read', async () => {
    const idle = await ExtDisk.create(DISK_BYTES, { mkfs: NOTHING_LEFT_TO_WRITE });
    cleanUp.push(() => idle.dispose());
    await tracker.follow(TASK, [ofDisk(disk), ofDisk(idle, 'idle')]);
    (await take()).complete();
    (await take('idle', idle)).complete();
    await disk.fill('a', 1, MIB);
    await tracker.follow(TASK, [ofDisk(disk), ofDisk(idle, 'idle')]);
    expect(dirtyOf(await take()).length).toBeGreaterThanOrEqual(16);
    const nothing = await take('idle', idle);
    expect(nothing.comparison).toBe('tracked');
    expect(dirtyOf(nothing, idle)).toEqual([]);
  });

  /** Everything is read by the next round, for this reason; and by none after it. */
  async function expectRescan(reason: string): Promise<void> {
    const rescan = await take();
    expect(rescan).toMatchObject({ comparison: 'rescan', reason });
    expect(dirtyOf(rescan)).toHaveLength(disk.sizeBytes / DIGEST_BLOCK_BYTES);
    rescan.complete();
    expect(await take()).toMatchObject({ comparison: 'tracked' });
  }

  it('does not rely on a buffer that was too small', async () => {
    await tracker.stop();
    tracker = trackerWith({ bufferKibPerCpu: 8 });
    await firstRound();
    await run(
      'dd',
      'if=/dev/zero',
      `of=${join(disk.mountPoint, 'many')}`,
      'bs=4096',
      'count=3000',
      'oflag=direct',
      'status=none',
    );
    await expectRescan('events-lost');
    expect(log.filter((line) => line.includes('(events-lost)')).length).toBeGreaterThan(0);
  });

  it('does not rely on events of which somebody else has read some', async () => {
    await firstRound();
    await disk.fill('a', 1, MIB);
    await run('sync', '-f', disk.mountPoint);
    expect(await run('timeout', '30', 'head', '-n', '1', `${INSTANCE}/trace_pipe`)).toContain('block_rq_complete');
    await expectRescan('events-lost');
  });

  it.each([
    ['events/block/block_rq_complete/enable', '0'],
    ['events/block/block_rq_complete/filter', '0'],
    ['tracing_on', '0'],
  ])('does not rely on a recording that somebody changed: %s', async (file, value) => {
    await firstRound();
    await writeFile(join(INSTANCE, file), value);
    await disk.fill('a', 1, MIB);
    await expectRescan('tracking-interrupted');
  });

  it('records again before it tells any of several disks at once what to read', async () => {
    const other = await ExtDisk.create(DISK_BYTES);
    cleanUp.push(() => other.dispose());
    const both = [ofDisk(disk), ofDisk(other, 'other')];
    await tracker.follow(TASK, both);
    for (const first of [await take(), await take('other', other)]) first.complete();
    await writeFile(join(INSTANCE, 'tracing_on'), '0');
    const used = usedMapOf(DISK_BYTES, [{ offsetBytes: 0, lengthBytes: DISK_BYTES }]);
    const recordsWhenTold = async (diskId: string): Promise<string> => {
      await tracker.take(diskId, used, new DiskResume(DISK_BYTES));
      return (await readFile(join(INSTANCE, 'events/block/block_rq_complete/enable'), 'utf8')).trim();
    };
    expect(await Promise.all([recordsWhenTold('disk'), recordsWhenTold('other')])).toEqual(['1', '1']);
    expect(log.filter((line) => line.includes('was interrupted'))).toHaveLength(1);
  });

  it('cannot have its instance removed while it runs, and removes it in the end', async () => {
    await firstRound();
    await expect(run('rmdir', INSTANCE)).rejects.toThrow();
    await tracker.stop();
    await expect(run('ls', INSTANCE)).rejects.toThrow();
  });

  it('begins anew with what another process left behind', async () => {
    await run('mkdir', INSTANCE);
    await writeFile(join(INSTANCE, 'events/block/enable'), '1');
    const before = await firstRound();
    await disk.fill('a', 1, MIB);
    await expectFound(before);
  });

  it('takes away what another process left behind, also without a round', async () => {
    await tracker.removeLeftOver();
    await run('mkdir', INSTANCE);
    await tracker.removeLeftOver();
    await expect(run('ls', INSTANCE)).rejects.toThrow();
    expect(log).toEqual([]);
  });

  it('begins anew for another task, other disks, and a device that was taken away meanwhile', async () => {
    await firstRound();
    await tracker.follow('another', [ofDisk(disk)]);
    await expectRescan('device-changed');
    await disk.reattach();
    await tracker.follow('another', [ofDisk(disk)]);
    await expectRescan('device-changed');
  });

  it('says which devices it cannot follow, once', async () => {
    const image = { diskId: 'image', device: disk.imagePath, sizeBytes: DISK_BYTES };
    const partition = { diskId: 'partition', device: disk.partition, sizeBytes: DISK_BYTES };
    for (let attempt = 0; attempt < 2; attempt += 1) await tracker.follow(TASK, [ofDisk(disk), image, partition]);
    for (const diskId of ['image', 'partition']) {
      expect(tracker.standingOf(diskId)).toEqual({ comparison: 'rescan', reason: 'device-not-tracked' });
      expect((await take(diskId)).dirty).toBeNull();
    }
    expect(tracker.standingOf('disk')).toEqual({ comparison: 'rescan', reason: 'tracking-began' });
    expect(log.filter((line) => line.startsWith('warn'))).toHaveLength(2);
  });
});

describe('a buffered read of a disk', () => {
  it('would give what was there before a write through the file system; O_DIRECT does not', async () => {
    const disk = await ExtDisk.create(DISK_BYTES);
    try {
      await disk.fill('file', 1, MIB);
      await run('sync', '-f', disk.mountPoint);
      const buffered = await open(disk.device, 'r');
      const direct = await openSourceDisk(disk.device);
      try {
        // The whole disk has a page cache of its own, beside the one that the file system on the partition writes to.
        const old = Buffer.alloc(DISK_BYTES);
        await buffered.read(old, 0, old.length, 0);
        await disk.overwrite('file0', 0, MIB);
        await run('sync', '-f', disk.mountPoint);
        const again = Buffer.alloc(DISK_BYTES);
        await buffered.read(again, 0, again.length, 0);
        const truth = await readFile(disk.imagePath);
        expect(again.equals(truth)).toBe(false);
        const read = new Uint8Array(new ArrayBuffer(DISK_BYTES));
        await direct.read(read, 0);
        expect(truth.equals(read)).toBe(true);
      } finally {
        await buffered.close();
        await direct.close();
      }
    } finally {
      await disk.dispose();
    }
  });
});
