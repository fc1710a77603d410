import { randomFillSync } from 'node:crypto';
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByteRange, Disk } from '#libs/contracts';
import { tool } from './tool.js';

export const MIB = 1024 * 1024;
const FILE_BYTES = 8 * MIB;

/** A source disk: a loop device, since that is read as an agent reads a disk, with O_DIRECT. */
export interface SourceImage {
  readonly disk: Disk;
  readonly path: string;
  /** Reads all of the device through the page cache. */
  fillPages(): Promise<void>;
  /** Empties the device's page cache: no copy shall find there what the one before it has read. */
  forgetPages(): Promise<void>;
  dispose(): Promise<void>;
}

/** A disk full of bytes that no program can leave out, and nobody's file system. */
export async function fullDisk(folder: string, sizeBytes: number): Promise<SourceImage> {
  const path = join(folder, 'full.img');
  await writeRandom(path, sizeBytes);
  return withItsFile(await attach(path, sizeBytes, null));
}

/**
 * A disk with an ext4 that uses about half of it, in files with gaps between them; what is free holds leftovers, as on
 * any disk that was in use for a while.
 */
export async function halfUsedDisk(folder: string, sizeBytes: number): Promise<SourceImage> {
  const path = join(folder, 'half.img');
  await writeRandom(path, sizeBytes);
  await tool('mkfs.ext4', '-q', '-F', '-E', 'nodiscard', '-m', '0', path);
  const mountPoint = join(folder, 'half');
  await mkdir(mountPoint);
  await tool('mount', '-o', 'loop', path, mountPoint);
  try {
    const files = Math.floor((sizeBytes * 0.6) / FILE_BYTES);
    for (let index = 0; index < files; index += 1) await writeRandom(join(mountPoint, `file${index}`), FILE_BYTES);
    await tool('sync', '-f', mountPoint);
    // Every sixth goes again, so that what is used is not one piece.
    for (let index = 0; index < files; index += 6) await rm(join(mountPoint, `file${index}`));
  } finally {
    await tool('umount', mountPoint);
  }
  return withItsFile(await attach(path, sizeBytes, 'ext4'));
}

export async function writeRandom(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    await fillRandom(file, 0, bytes);
  } finally {
    await file.close();
  }
}

export async function fillRandom(file: FileHandle, offsetBytes: number, lengthBytes: number): Promise<void> {
  const piece = Buffer.allocUnsafe(MIB);
  for (let done = 0; done < lengthBytes; done += MIB) {
    randomFillSync(piece);
    await file.write(piece, 0, Math.min(MIB, lengthBytes - done), offsetBytes + done);
  }
}

/** What lies in memory has to go when it is not needed any more. */
function withItsFile(source: SourceImage): SourceImage {
  return {
    ...source,
    dispose: async () => {
      await source.dispose();
      await rm(source.path);
    },
  };
}

/** A piece of an image as a disk of its own. */
export async function diskOf(path: string, diskId: string, piece: ByteRange): Promise<SourceImage> {
  const { offsetBytes, lengthBytes } = piece;
  return attach(path, lengthBytes, null, diskId, ['--offset', String(offsetBytes), '--sizelimit', String(lengthBytes)]);
}

async function attach(
  path: string,
  sizeBytes: number,
  type: string | null,
  diskId = 'benchmark',
  options: readonly string[] = [],
): Promise<SourceImage> {
  const device = (await tool('losetup', '--read-only', '--show', ...options, '-f', path)).trim();
  const disk: Disk = {
    diskId,
    device,
    sizeBytes,
    logicalSectorBytes: 512,
    transport: null,
    external: false,
    allocation: 'unknown',
    partitionTable: 'none',
    partitions: [],
    fileSystem: type === null ? null : { type, uuid: null, label: null, sizeBytes, usedBytes: null, mountPoint: null },
  };
  return {
    disk,
    path,
    fillPages: async () => {
      await tool('dd', `if=${device}`, 'of=/dev/null', 'bs=1M', 'status=none');
    },
    forgetPages: async () => {
      await tool('blockdev', '--flushbufs', device);
    },
    dispose: async () => {
      await tool('losetup', '-d', device);
    },
  };
}
