import type { Disk } from '#libs/contracts';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const MIB = 1024 * 1024;
const PARTITION_START_BYTES = MIB;
const PARTITION_TAIL_BYTES = MIB;

/** Runs a tool of the machine and gives what it said. */
export async function run(command: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, LC_ALL: 'C', PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  const { stdout } = await execute(command, args, { env, maxBuffer: 64 * MIB });
  return stdout;
}

/** A disk with GPT and one ext4 partition on a loop device, mounted. Needs root. */
export class MountedDisk {
  private isMounted = false;

  private constructor(
    readonly folder: string,
    readonly device: string,
    readonly sizeBytes: number,
  ) {}

  /** @param mkfs more options for it */
  static async create(sizeBytes: number, mkfs: readonly string[] = []): Promise<MountedDisk> {
    const folder = await mkdtemp(join(tmpdir(), 'landfall-rounds-'));
    const image = join(folder, 'source.img');
    const script = join(folder, 'partitions');
    await writeFile(image, '');
    await truncate(image, sizeBytes);
    const sizeMib = (sizeBytes - PARTITION_START_BYTES - PARTITION_TAIL_BYTES) / MIB;
    await writeFile(script, `label: gpt\nstart=1MiB, size=${sizeMib}MiB, type=linux\n`);
    await run('sh', '-c', `sfdisk -q '${image}' < '${script}'`);
    const device = (await run('losetup', '--show', '-f', image)).trim();
    const disk = new MountedDisk(folder, device, sizeBytes);
    try {
      // Whoever had the loop device before may have left partitions to it.
      await run('partx', '-d', device).catch(() => undefined);
      await run('partx', '-a', device);
      await run('mkfs.ext4', '-q', '-F', ...mkfs, disk.partition);
      await mkdir(disk.mountPoint);
      await mkdir(join(folder, 'target'));
      await disk.mount();
      return disk;
    } catch (error) {
      await disk.dispose();
      throw error;
    }
  }

  get mountPoint(): string {
    return join(this.folder, 'source');
  }

  async mount(): Promise<void> {
    await run('mount', this.partition, this.mountPoint);
    this.isMounted = true;
  }

  async unmount(): Promise<void> {
    await run('umount', this.mountPoint);
    this.isMounted = false;
  }

  /** What an inventory says of it. */
  describe(): Disk {
    const sizeBytes = this.sizeBytes - PARTITION_START_BYTES - PARTITION_TAIL_BYTES;
    const mountPoint = this.isMounted ? this.mountPoint : null;
    const fileSystem = { type: 'ext4', uuid: null, label: null, sizeBytes, usedBytes: null, mountPoint };
    const place = { number: 1, device: this.partition, startBytes: PARTITION_START_BYTES, sizeBytes };
    return {
      ...{ diskId: 'disk', device: this.device, sizeBytes: this.sizeBytes, logicalSectorBytes: 512, transport: null },
      ...{ external: false, allocation: 'fixed', partitionTable: 'gpt', fileSystem: null },
      partitions: [{ ...place, typeId: '0FC63DAF-8483-4772-8E79-3D69D8477DE4', fileSystem }],
    };
  }

  /** Every file of the mounted disk, with mode, size and SHA-256. */
  async tree(): Promise<string> {
    return treeOf(this.mountPoint);
  }

  /** The same of a copy of the disk, after `fsck` found it clean. Throws when it is not. */
  async treeOfCopy(image: string): Promise<string> {
    const look = async (device: string): Promise<string> => {
      await run('e2fsck', '-f', '-n', device);
      return this.lookInto(device, treeOf, '-o', 'ro,noload');
    };
    return this.attached(image, look, '--read-only');
  }

  /**
   * Looks into a copy of the disk as a machine that starts from it finds it: with its journal replayed, and not repaired.
   * Throws when `fsck` finds anything else to do.
   */
  async afterJournalOf(image: string, look: (folder: string) => Promise<void>): Promise<void> {
    const started = join(this.folder, 'started.img');
    await run('cp', '--sparse=always', image, started);
    await this.attached(started, async (device) => {
      await this.lookInto(device, look);
      await run('e2fsck', '-f', '-n', device);
    });
  }

  async dispose(): Promise<void> {
    if (this.isMounted) await this.unmount();
    await run('partx', '-d', this.device).catch(() => undefined);
    await run('losetup', '-d', this.device);
    await rm(this.folder, { recursive: true });
  }

  /** With a device for the partition of an image. */
  private async attached<T>(
    image: string,
    work: (device: string) => Promise<T>,
    ...options: readonly string[]
  ): Promise<T> {
    const place = ['-o', String(PARTITION_START_BYTES)];
    const device = (await run('losetup', '--show', '-f', ...options, ...place, image)).trim();
    try {
      return await work(device);
    } finally {
      await run('losetup', '-d', device);
    }
  }

  private async lookInto<T>(
    device: string,
    look: (folder: string) => Promise<T>,
    ...options: readonly string[]
  ): Promise<T> {
    const at = join(this.folder, 'target');
    await run('mount', ...options, device, at);
    try {
      return await look(at);
    } finally {
      await run('umount', at);
    }
  }

  private get partition(): string {
    return `${this.device}p1`;
  }
}

/** Every file below a folder, with kind, mode, size and SHA-256. */
export async function treeOf(folder: string): Promise<string> {
  const names = await run('sh', '-c', `cd '${folder}' && find . -printf '%p %y %m %s\\n' | sort`);
  const sums = await run('sh', '-c', `cd '${folder}' && find . -type f -exec sha256sum {} + | sort -k2`);
  return names + sums;
}
