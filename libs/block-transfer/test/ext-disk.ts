import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Disk } from '#libs/contracts';

const execute = promisify(execFile);

/** Runs a tool of the machine and gives what it said. */
export async function run(command: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, LC_ALL: 'C', PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  const { stdout } = await execute(command, args, { env, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

const PARTITION_START_BYTES = 1024 * 1024;
const PARTITION_TAIL_BYTES = 1024 * 1024;

/** A real disk for a test: GPT with one partition on a loop device, mounted. Needs root. */
export class ExtDisk {
  private mounted = false;

  private constructor(
    readonly folder: string,
    readonly imagePath: string,
    readonly device: string,
    readonly sizeBytes: number,
    private readonly type: string,
  ) {}

  static async create(sizeBytes: number, options: { type?: string; mkfs?: string[] } = {}): Promise<ExtDisk> {
    const { type = 'ext4', mkfs = [] } = options;
    const folder = await mkdtemp(join(tmpdir(), 'landfall-ext-'));
    const imagePath = join(folder, 'source.img');
    const image = await open(imagePath, 'w');
    await image.truncate(sizeBytes);
    await image.close();
    const partitionMiB = (sizeBytes - PARTITION_START_BYTES - PARTITION_TAIL_BYTES) / 2 ** 20;
    const script = join(folder, 'partitions');
    const table = await open(script, 'w');
    await table.writeFile(`label: gpt\nstart=1MiB, size=${partitionMiB}MiB, type=linux\n`);
    await table.close();
    await run('sh', '-c', `sfdisk -q '${imagePath}' < '${script}'`);
    const device = (await run('losetup', '--show', '-f', imagePath)).trim();
    const disk = new ExtDisk(folder, imagePath, device, sizeBytes, type);
    try {
      // Whoever had the loop device before may have left partitions to it.
      await run('partx', '-d', device).catch(() => undefined);
      await run('partx', '-a', device);
      await run(`mkfs.${type}`, '-q', '-F', ...mkfs, disk.partition);
      await mkdir(disk.mountPoint);
      await mkdir(join(folder, 'target'));
      await disk.mount();
    } catch (error) {
      await disk.dispose();
      throw error;
    }
    return disk;
  }

  get partition(): string {
    return `${this.device}p1`;
  }

  get mountPoint(): string {
    return join(this.folder, 'source');
  }

  async mount(): Promise<void> {
    await run('mount', this.partition, this.mountPoint);
    this.mounted = true;
  }

  async unmount(): Promise<void> {
    await run('umount', this.mountPoint);
    this.mounted = false;
  }

  /** The device goes, and one with the same name and content comes. */
  async reattach(): Promise<void> {
    await this.unmount();
    await run('partx', '-d', this.device);
    await run('losetup', '-d', this.device);
    await run('losetup', this.device, this.imagePath);
    await run('partx', '-a', this.device);
    await this.mount();
  }

  /** Random files, `count` of `bytes` each. */
  async fill(prefix: string, count: number, bytes: number): Promise<void> {
    for (let index = 0; index < count; index += 1) await this.put(`${prefix}${index}`, bytes);
  }

  async put(name: string, bytes: number): Promise<void> {
    const file = await open(join(this.mountPoint, name), 'w');
    for (let left = bytes; left > 0; left -= 1024 * 1024)
      await file.writeFile(randomBytes(Math.min(left, 1024 * 1024)));
    await file.close();
  }

  async overwrite(name: string, offset: number, bytes: number): Promise<void> {
    const file = await open(join(this.mountPoint, name), 'r+');
    await file.write(randomBytes(bytes), 0, bytes, offset);
    await file.close();
  }

  async usedBytes(): Promise<number> {
    await run('sync', '-f', this.mountPoint);
    const { blocks, bfree, bsize } = await statfs(this.mountPoint);
    return (blocks - bfree) * bsize;
  }

  /** What an inventory says of it. */
  describe(): Disk {
    const sizeBytes = this.sizeBytes - PARTITION_START_BYTES - PARTITION_TAIL_BYTES;
    const mountPoint = this.mounted ? this.mountPoint : null;
    return {
      diskId: 'test-disk',
      device: this.device,
      sizeBytes: this.sizeBytes,
      logicalSectorBytes: 512,
      transport: null,
      external: false,
      allocation: 'fixed',
      partitionTable: 'gpt',
      partitions: [
        {
          number: 1,
          device: this.partition,
          startBytes: PARTITION_START_BYTES,
          sizeBytes,
          typeId: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
          fileSystem: { type: this.type, uuid: null, label: null, sizeBytes, usedBytes: null, mountPoint },
        },
      ],
      fileSystem: null,
    };
  }

  /** Mounts the partition inside an image read-only and gives the tree: path, kind, mode, size and SHA-256 of every file. */
  async treeOf(imagePath: string): Promise<string> {
    const at = join(this.folder, 'target');
    // noload: a journal to replay would need a writable device.
    const options = `ro,noload,loop,offset=${PARTITION_START_BYTES}`;
    await run('mount', '-o', this.type === 'ext2' ? options.replace('noload,', '') : options, imagePath, at);
    try {
      return await tree(at);
    } finally {
      await run('umount', at);
    }
  }

  async ownTree(): Promise<string> {
    return tree(this.mountPoint);
  }

  /** `fsck -n` of the partition inside an image; throws when it is not clean. */
  async check(imagePath: string): Promise<void> {
    const device = (await run('losetup', '--show', '-f', '-r', '-o', String(PARTITION_START_BYTES), imagePath)).trim();
    try {
      await run('e2fsck', '-f', '-n', device);
    } finally {
      await run('losetup', '-d', device);
    }
  }

  async dispose(): Promise<void> {
    if (this.mounted) await this.unmount();
    await run('partx', '-d', this.device).catch(() => undefined);
    await run('losetup', '-d', this.device);
    await rm(this.folder, { recursive: true });
  }
}

async function tree(folder: string): Promise<string> {
  const names = await run('sh', '-c', `cd '${folder}' && find . -printf '%p %y %m %s\\n' | sort`);
  const sums = await run('sh', '-c', `cd '${folder}' && find . -type f -exec sha256sum {} + | sort -k2`);
  return names + sums;
}
