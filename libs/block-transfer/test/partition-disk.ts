import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disk } from '#libs/contracts';
import { invertExtents, type UsedMap } from '#libs/block-transfer';
import { run } from './ext-disk.js';
import { fillWithGarbage } from './garbage.js';

const MIB = 1024 * 1024;
const PARTITION_START_BYTES = MIB;
const PARTITION_TAIL_BYTES = MIB;

export interface PartitionDiskOptions {
  /** As an inventory names it. */
  readonly type: string;
  /** Makes the file system; the device comes last. */
  readonly mkfs: readonly [string, ...string[]];
  readonly mount?: readonly string[];
  /** Checks an unmounted device without changing it; throws when it is not clean. */
  readonly check: (device: string) => Promise<unknown>;
  /** Makes a copy mountable beside the original. */
  readonly prepareCopy?: (device: string) => Promise<unknown>;
  /** More options for mounting a copy while the original may be mounted too. */
  readonly mountCopy?: readonly string[];
}

/** A disk for a test of maps: GPT with one partition on a loop device. Needs root. */
export class PartitionDisk {
  #isMounted = false;
  readonly #writers: ChildProcess[] = [];

  private constructor(
    readonly folder: string,
    readonly device: string,
    readonly sizeBytes: number,
    readonly options: PartitionDiskOptions,
  ) {}

  static async create(sizeBytes: number, options: PartitionDiskOptions): Promise<PartitionDisk> {
    const folder = await mkdtemp(join(tmpdir(), 'landfall-map-disk-'));
    const imagePath = join(folder, 'disk.img');
    const image = await open(imagePath, 'w');
    await image.truncate(sizeBytes);
    await image.close();
    const sectors = (sizeBytes - PARTITION_START_BYTES - PARTITION_TAIL_BYTES) / 512;
    await writeFile(join(folder, 'partitions'), `label: gpt\nstart=2048, size=${sectors}, type=linux\n`);
    await run('sh', '-c', `sfdisk -q '${imagePath}' < '${folder}/partitions'`);
    const device = (await run('losetup', '--show', '-f', imagePath)).trim();
    const disk = new PartitionDisk(folder, device, sizeBytes, options);
    try {
      await run('partx', '-a', device);
      const [mkfs, ...args] = options.mkfs;
      await run(mkfs, ...args, disk.partition);
      await mkdir(disk.mountPoint);
      await mkdir(join(folder, 'copy'));
    } catch (error) {
      await disk.dispose();
      throw error;
    }
    return disk;
  }

  get imagePath(): string {
    return join(this.folder, 'disk.img');
  }

  get partition(): string {
    return `${this.device}p1`;
  }

  get partitionBytes(): number {
    return this.sizeBytes - PARTITION_START_BYTES - PARTITION_TAIL_BYTES;
  }

  get mountPoint(): string {
    return join(this.folder, 'mount');
  }

  async mount(...options: string[]): Promise<void> {
    await run('mount', ...(this.options.mount ?? []), ...options, this.partition, this.mountPoint);
    this.#isMounted = true;
  }

  async unmount(): Promise<void> {
    await run('umount', this.mountPoint);
    this.#isMounted = false;
  }

  /** Runs a shell script in the mounted file system. */
  async shell(script: string): Promise<void> {
    await run('sh', '-ec', `cd '${this.mountPoint}'\n${script}`);
  }

  /** Random files of many sizes, half of them deleted again; a sparse one; one that grew in turn with another. */
  async populate(): Promise<void> {
    await this.shell(`
      mkdir many tiny
      head -c 9000000 /dev/urandom | split -a 4 -b 3000 - tiny/
      head -c 9000000 /dev/urandom | split -a 4 -b 43210 - many/
      head -c 20000000 /dev/urandom > big
      truncate -s 40000000 sparse
      for i in 1 7 13 39; do head -c 70000 /dev/urandom | dd of=sparse bs=1000000 seek=$i conv=notrunc status=none; done
      for i in $(seq 1 20); do head -c 60000 /dev/urandom >> one; head -c 60000 /dev/urandom >> two; sync one; done
      sync -f .
      for folder in many tiny; do ls $folder | sed -n "p;n" | sed "s,^,$folder/," | xargs rm; done
      rm two
      head -c 3000000 /dev/urandom > many/late
    `);
  }

  /** Writes, synchronizes, renames and deletes small files until the disk is disposed of. */
  startWriter(): ChildProcess {
    const script = `
      import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
      import { randomBytes } from 'node:crypto';
      process.chdir(process.argv[1]);
      // A test that is killed takes its writer along.
      const parent = process.ppid;
      for (let turn = 0; process.ppid === parent; turn += 1) {
        const name = 'w' + (turn * 7919 % 97);
        const file = openSync(name + '.new', 'w');
        writeSync(file, randomBytes((turn * 104729) % 300000 + 1));
        if (turn % 3 !== 0) fsyncSync(file);
        closeSync(file);
        renameSync(name + '.new', name);
        if (turn % 5 === 0) rmSync('w' + (turn * 31 % 97), { force: true });
        if (turn === 300) console.log('busy');
      }`;
    const writer = spawn(process.execPath, ['--input-type=module', '-e', script, this.mountPoint], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#writers.push(writer);
    return writer;
  }

  /** What an inventory says of it. */
  describe(): Disk {
    const sizeBytes = this.partitionBytes;
    const mountPoint = this.#isMounted ? this.mountPoint : null;
    const { type } = this.options;
    return {
      ...{ diskId: 'test-disk', device: this.device, sizeBytes: this.sizeBytes, logicalSectorBytes: 512 },
      ...{ transport: null, external: false, allocation: 'fixed', partitionTable: 'gpt', fileSystem: null },
      partitions: [
        {
          ...{ number: 1, device: this.partition, startBytes: PARTITION_START_BYTES, sizeBytes },
          typeId: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
          fileSystem: { type, uuid: null, label: null, sizeBytes, usedBytes: null, mountPoint },
        },
      ],
    };
  }

  /** A copy of the whole disk as it is now, below this disk's folder. */
  async copy(name: string): Promise<string> {
    const path = join(this.folder, name);
    await run('cp', '--sparse=always', this.imagePath, path);
    return path;
  }

  /** Writes noise wherever a map says that nothing is: the strongest test of a map. */
  async spoilFree(imagePath: string, used: UsedMap): Promise<void> {
    await fillWithGarbage(imagePath, invertExtents(used.extents, used.diskBytes));
  }

  /** Checks the file system in a copy and gives its tree: kinds, modes, sizes of files, times, and the SHA-256 of every file. */
  async treeOf(imagePath: string): Promise<string> {
    const range = ['-o', String(PARTITION_START_BYTES), '--sizelimit', String(this.partitionBytes)];
    const device = (await run('losetup', '--show', '-f', ...range, imagePath)).trim();
    const at = join(this.folder, 'copy');
    try {
      await this.options.prepareCopy?.(device);
      // The first mount replays a journal, if there is one; after it a check must find nothing.
      await run('mount', ...(this.options.mount ?? []), ...(this.options.mountCopy ?? []), device, at);
      const found = await tree(at).finally(() => run('umount', at));
      await this.options.check(device);
      return found;
    } finally {
      await run('losetup', '-d', device);
    }
  }

  async ownTree(): Promise<string> {
    return tree(this.mountPoint);
  }

  async dispose(): Promise<void> {
    for (const writer of this.#writers) {
      if (writer.exitCode !== null || writer.signalCode !== null) continue;
      writer.kill('SIGKILL');
      await once(writer, 'close');
    }
    if (this.#isMounted) await this.unmount();
    await run('partx', '-d', this.device).catch(() => undefined);
    await run('losetup', '-d', this.device);
    await rm(this.folder, { recursive: true });
  }
}

async function tree(folder: string): Promise<string> {
  const names = await run(
    'sh',
    '-c',
    `cd '${folder}' && find . ! -type d -printf '%p %y %m %s %T@\\n' -o -printf '%p %y %m %T@\\n' | sort`,
  );
  const sums = await run('sh', '-c', `cd '${folder}' && find . -type f -exec sha256sum {} + | sort -k2`);
  return names + sums;
}

/** What partclone says of a file system: an independent view of which bytes are used, as ranges of the disk. */
export async function partcloneMap(tool: string, disk: PartitionDisk): Promise<string> {
  const path = join(disk.folder, 'domain');
  await run(tool, '-D', '-q', '-F', '-L', '/dev/null', '-s', disk.partition, '-O', path);
  return run('cat', path);
}
