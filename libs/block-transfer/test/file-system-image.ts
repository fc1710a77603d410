import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteRange, Disk } from '#libs/contracts';
import { invertExtents, usedBlocksOf } from '#libs/block-transfer';
import { run } from './ext-disk.js';

/** A file system on a disk without partitions, in a file: for what is not to be mounted. */
export class FileSystemImage {
  private constructor(
    readonly folder: string,
    readonly path: string,
    readonly type: string,
    readonly sizeBytes: number,
  ) {}

  /** @param make called with the path of a sparse file of `sizeBytes`, to make the file system */
  static async create(
    type: string,
    sizeBytes: number,
    make: (path: string, folder: string) => Promise<unknown>,
  ): Promise<FileSystemImage> {
    const folder = await mkdtemp(join(tmpdir(), `landfall-${type}-`));
    const path = join(folder, 'disk.img');
    try {
      await writeFile(path, '');
      await truncate(path, sizeBytes);
      await make(path, folder);
    } catch (error) {
      await rm(folder, { recursive: true });
      throw error;
    }
    return new FileSystemImage(folder, path, type, sizeBytes);
  }

  /** One whose file has another size now. */
  static async at(type: string, folder: string, path: string): Promise<FileSystemImage> {
    return new FileSystemImage(folder, path, type, (await stat(path)).size);
  }

  /** What an inventory says of it. */
  describe(): Disk {
    return {
      diskId: 'test-disk',
      device: this.path,
      sizeBytes: this.sizeBytes,
      logicalSectorBytes: 512,
      transport: null,
      external: false,
      allocation: 'fixed',
      partitionTable: 'none',
      partitions: [],
      fileSystem: {
        type: this.type,
        uuid: null,
        label: null,
        sizeBytes: this.sizeBytes,
        usedBytes: null,
        mountPoint: null,
      },
    };
  }

  async free(): Promise<ByteRange[]> {
    const { extents, diskBytes } = await usedBlocksOf(this.describe());
    return invertExtents(extents, diskBytes);
  }

  /** Changes bytes of it in place. */
  async patch(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    const file = await open(this.path, 'r+');
    await file.write(bytes, 0, bytes.length, offsetBytes);
    await file.close();
  }

  async bytes(offsetBytes: number, lengthBytes: number): Promise<Buffer> {
    const file = await open(this.path, 'r');
    const bytes = Buffer.alloc(lengthBytes);
    await file.read(bytes, 0, lengthBytes, offsetBytes);
    await file.close();
    return bytes;
  }

  async dispose(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

/** A folder of `count` files of random content and of sizes from a byte to `maxBytes`, for `mke2fs -d`. */
export async function filesIn(folder: string, count: number, maxBytes: number): Promise<string> {
  const root = join(folder, 'files');
  await mkdir(root);
  for (let index = 0; index < count; index += 1) {
    const bytes = 1 + (randomBytes(4).readUInt32LE() % maxBytes);
    await writeFile(join(root, `file${index}`), randomBytes(bytes));
  }
  return root;
}

/** Makes an ext file system with files, every second of which is deleted again, without mounting it. */
export async function makeFragmentedExt(
  path: string,
  folder: string,
  mkfs: readonly string[],
  count: number,
): Promise<void> {
  const root = await filesIn(folder, count, 200_000);
  await run('mke2fs', '-q', '-F', ...mkfs, '-d', root, path);
  const commands = Array.from({ length: Math.floor(count / 2) }, (_, index) => `rm file${index * 2}`).join('\n');
  await writeFile(join(folder, 'commands'), `${commands}\n`);
  await run('debugfs', '-w', '-f', join(folder, 'commands'), path);
}
