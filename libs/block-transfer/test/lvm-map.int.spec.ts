import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ByteRange } from '#libs/contracts';
import { clipExtents, EndpointFailure, totalBytes, usedBlocksOf } from '#libs/block-transfer';
import { lvmFreeExtents } from '../src/used-blocks/lvm/lvm-free-extents.js';
import { OutgrownDoubt } from '../src/used-blocks/map-doubt.js';
import { run } from './ext-disk.js';
import { PartitionDisk } from './partition-disk.js';

const MIB = 1024 * 1024;
/** Images of hundreds of megabytes are written, copied, spoiled and compared. */
vi.setConfig({ testTimeout: 240_000 });
const EXTENT = 4 * MIB;
const DISK_BYTES = 802 * MIB;
/** Where LVM puts the first extent, and the partition's own beginning. */
const EXTENTS_START = 2 * MIB;

/**
 * LVM's own tools make the volumes, without mapping them: that needs nothing of the kernel. Their content is made in
 * files and put where `lvs` says that the volume's segments are.
 */
async function lvm(tool: string, ...args: string[]): Promise<string> {
  // Nor shall the machine keep copies of what these volumes were.
  const settings = ['--driverloaded', 'n', '--config', 'backup { archive = 0 backup = 0 }'];
  return run('env', 'LVM_SUPPRESS_FD_WARNINGS=1', tool, ...settings, ...args);
}

class LvmDisk {
  private constructor(
    readonly disk: PartitionDisk,
    readonly group: string,
  ) {}

  static async create(): Promise<LvmDisk> {
    const group = `landfall-test-${process.pid}`;
    const disk = await PartitionDisk.create(DISK_BYTES, {
      type: 'LVM2_member',
      mkfs: ['pvcreate', '-q', '-y'],
      check: () => Promise.resolve(),
    });
    await lvm('vgcreate', '-q', group, disk.partition);
    return new LvmDisk(disk, group);
  }

  async addVolume(name: string, mib: number): Promise<void> {
    await lvm('lvcreate', '-q', '-an', '-Zn', '-Wn', '-L', `${mib}M`, '-n', name, this.group);
  }

  async extend(name: string, mib: number): Promise<void> {
    await lvm('lvextend', '-q', '-L', `+${mib}M`, `${this.group}/${name}`);
  }

  /** Byte ranges of the disk that hold a volume, in its order, as LVM itself reports them. */
  async rangesOf(name: string): Promise<{ offsetBytes: number; lengthBytes: number }[]> {
    const text = await lvm(
      'lvs',
      '--segments',
      '--noheadings',
      '-o',
      'seg_start_pe,seg_pe_ranges',
      `${this.group}/${name}`,
    );
    return [...text.matchAll(/^\s*(\d+)\s+\S+:(\d+)-(\d+)\s*$/gm)]
      .toSorted((a, b) => Number(a[1]) - Number(b[1]))
      .map(([, , first, last]) => ({
        offsetBytes: EXTENTS_START + Number(first) * EXTENT,
        lengthBytes: (Number(last) - Number(first) + 1) * EXTENT,
      }));
  }

  /** Copies the content of a file to where the volume is in a disk image, or the other way round. */
  async move(name: string, file: string, image: string, direction: 'in' | 'out'): Promise<void> {
    let done = 0;
    for (const { offsetBytes, lengthBytes } of await this.rangesOf(name)) {
      const [count, inFile, inDisk] = [lengthBytes / MIB, done / MIB, offsetBytes / MIB];
      const [from, skip, to, seek] = direction === 'in' ? [file, inFile, image, inDisk] : [image, inDisk, file, inFile];
      const plain = ['bs=1M', `count=${count}`, `skip=${skip}`, `seek=${seek}`, 'conv=notrunc', 'status=none'];
      await run('dd', `if=${from}`, `of=${to}`, ...plain);
      done += lengthBytes;
    }
  }

  /** Makes a file system with files, some of them deleted again, and puts it into the volume. */
  async populate(name: string, mkfs: readonly [string, ...string[]]): Promise<string> {
    const file = join(this.disk.folder, `${name}.img`);
    const sizeBytes = totalBytes(await this.rangesOf(name));
    await run('truncate', '-s', String(sizeBytes), file);
    const [tool, ...args] = mkfs;
    await run(tool, ...args, file);
    const tree = await this.inside(file, async (folder) => {
      await run(
        'sh',
        '-ec',
        `cd '${folder}'; mkdir d; head -c 30000000 /dev/urandom | split -a 4 -b 50001 - d/; sync -f .
        ls d | sed -n "p;n" | sed "s,^,d/," | xargs rm`,
      );
    });
    // Through the disk's own device, as a machine would have written it.
    await this.move(name, file, this.disk.device, 'in');
    // Of this device alone: other tests need file systems whose last changes are not on the disk yet.
    await run('sync', this.disk.device);
    return tree;
  }

  /** The tree of what is in the volume within an image. */
  async treeIn(name: string, image: string, check: readonly [string, ...string[]]): Promise<string> {
    const file = join(this.disk.folder, `${name}.out`);
    await this.move(name, file, image, 'out');
    const tree = await this.inside(file, () => Promise.resolve());
    const [tool, ...args] = check;
    await run(tool, ...args, file);
    return tree;
  }

  private async inside(file: string, work: (folder: string) => Promise<void>): Promise<string> {
    const folder = join(this.disk.folder, 'copy');
    await run('mount', '-o', 'loop', file, folder);
    try {
      await work(folder);
      return await run('sh', '-c', `cd '${folder}' && find . -type f -exec sha256sum {} + | sort -k2`);
    } finally {
      await run('umount', folder);
    }
  }

  async dispose(): Promise<void> {
    await this.disk.dispose();
  }
}

function refuse(device: string, reason: string): void {
  throw new Error(`${device}: ${reason}`);
}

const canUseLvm = (() => {
  try {
    execFileSync('pvcreate', ['--version'], {
      stdio: 'ignore',
      env: { ...process.env, PATH: '/usr/sbin:/sbin:/usr/bin:/bin' },
    });
    return true;
  } catch {
    return false;
  }
})();

describe.runIf(canUseLvm)('the map of a physical volume of LVM', () => {
  let lvmDisk: LvmDisk | null = null;
  afterEach(async () => {
    await lvmDisk?.dispose();
    lvmDisk = null;
  });

  it('frees extents without a volume, and what file systems in volumes call free', async () => {
    lvmDisk = await LvmDisk.create();
    await lvmDisk.addVolume('one', 160);
    await lvmDisk.addVolume('root-fs', 120);
    await lvmDisk.addVolume('noise', 40);
    await lvmDisk.extend('one', 160);
    const before = {
      one: await lvmDisk.populate('one', ['mkfs.xfs', '-q']),
      'root-fs': await lvmDisk.populate('root-fs', ['mkfs.ext4', '-q', '-F']),
    };
    expect(await lvmDisk.rangesOf('one')).toHaveLength(2);
    const used = await usedBlocksOf(lvmDisk.disk.describe(), { onDoubt: refuse });
    const usedIn = async (name: string): Promise<number> =>
      totalBytes(((await lvmDisk?.rangesOf(name)) ?? []).flatMap((range) => clipExtents(used.extents, range)));
    expect(await usedIn('noise')).toBe(40 * MIB);
    expect(await usedIn('one')).toBeLessThan(120 * MIB);
    expect(await usedIn('root-fs')).toBeLessThan(60 * MIB);
    expect(await usedIn('root-fs')).toBeGreaterThan(15 * MIB);
    expect(used.usedBytes).toBeLessThan(230 * MIB);
    const copy = await lvmDisk.disk.copy('spoiled.img');
    await lvmDisk.disk.spoilFree(copy, used);
    expect(await lvmDisk.treeIn('one', copy, ['xfs_repair', '-n'])).toBe(before.one);
    expect(await lvmDisk.treeIn('root-fs', copy, ['e2fsck', '-fn'])).toBe(before['root-fs']);
    await expectLvmReads(copy, lvmDisk.group);
  });

  it('is all of it when the metadata is damaged, and a volume alone when only that one is in doubt', async () => {
    lvmDisk = await LvmDisk.create();
    await lvmDisk.addVolume('one', 320);
    await lvmDisk.populate('one', ['mkfs.xfs', '-q']);
    const doubts: string[] = [];
    const options = { onDoubt: (name: string, reason: string): void => void doubts.push(`${name}: ${reason}`) };
    const [where] = await lvmDisk.rangesOf('one');
    const superblock = (where?.offsetBytes ?? 0) / 512;
    await run(
      'dd',
      'if=/dev/urandom',
      `of=${lvmDisk.disk.device}`,
      'bs=512',
      `seek=${superblock + 1}`,
      'count=1',
      'oflag=direct',
      'status=none',
    );
    const half = await usedBlocksOf(lvmDisk.disk.describe(), options);
    expect(half.usedBytes).toBeGreaterThan(320 * MIB);
    expect(half.usedBytes).toBeLessThan(330 * MIB);
    await run(
      'dd',
      'if=/dev/urandom',
      `of=${lvmDisk.disk.partition}`,
      'bs=512',
      'seek=8',
      'count=1',
      'oflag=direct',
      'status=none',
    );
    expect((await usedBlocksOf(lvmDisk.disk.describe(), options)).usedBytes).toBe(DISK_BYTES);
    expect(doubts).toEqual([
      expect.stringMatching(/\/one: the free space header of xfs group 0/),
      expect.stringContaining('a metadata area of LVM has a wrong checksum'),
    ]);
  });

  describe('while volumes change', () => {
    /** Calls nothing of a volume free, after something has happened. */
    const freeWhile = async (happens: () => Promise<void>): Promise<ByteRange[]> => {
      const { disk } = lvmDisk ?? expect.fail('no disk');
      const place = { device: disk.partition, startBytes: MIB, sizeBytes: disk.partitionBytes };
      const free = await lvmFreeExtents(place, {
        ...{ diskDevice: disk.device, mountPoint: null, doubting: (_name, read) => read(), freeOn: async () => [] },
        freeInBytes: async () => {
          await happens();
          return [];
        },
      });
      return [...free];
    };
    const failure = new EndpointFailure('USED_BLOCKS_UNKNOWN', 'the volume is gone');

    const outgrown = new OutgrownDoubt('the file system is larger than its volume');

    it.each([failure, outgrown])(
      'reads again, also when what is inside cannot be read any more: %s',
      async (reason) => {
        lvmDisk = await LvmDisk.create();
        await lvmDisk.addVolume('one', 64);
        let turns = 0;
        const free = await freeWhile(async () => {
          turns += 1;
          if (turns > 2) return;
          await lvmDisk?.extend('one', 64);
          if (turns === 1) throw reason;
        });
        expect(turns).toBe(3);
        const [volume, ...others] = await lvmDisk.rangesOf('one');
        expect(others).toEqual([]);
        expect(volume?.lengthBytes).toBe(192 * MIB);
        expect(totalBytes(clipExtents(free, volume ?? expect.fail()))).toBe(0);
        expect(totalBytes(free)).toBe(DISK_BYTES - 2 * MIB - EXTENT - 192 * MIB);
      },
    );

    it('doubts a group that never keeps still', async () => {
      lvmDisk = await LvmDisk.create();
      await lvmDisk.addVolume('one', 64);
      await expect(freeWhile(async () => lvmDisk?.extend('one', 64))).rejects.toThrow(/changed whenever/);
    });

    it('fails as ever when nothing changed', async () => {
      lvmDisk = await LvmDisk.create();
      await lvmDisk.addVolume('one', 64);
      await expect(freeWhile(() => Promise.reject(failure))).rejects.toMatchObject({ code: failure.code });
      await expect(freeWhile(() => Promise.reject(outgrown))).rejects.toBe(outgrown);
    });
  });
});

/** LVM itself finds the group whole on the copy. */
async function expectLvmReads(image: string, group: string): Promise<void> {
  const device = (await run('losetup', '--show', '-f', '-o', String(MIB), image)).trim();
  try {
    const found = await lvm('vgs', '--devices', device, '--noheadings', '-o', 'vg_name,lv_count', group);
    expect(found.trim()).toMatch(new RegExp(`^${group}\\s+3$`));
    await lvm('vgck', '--devices', device, group);
  } finally {
    await run('losetup', '-d', device);
  }
}
