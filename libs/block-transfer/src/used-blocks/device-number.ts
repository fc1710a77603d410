import { readFile, realpath, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { systemErrorCode } from '../endpoint-failure.js';
import { deviceNumbers, KERNEL_SECTOR_BYTES } from '../source/source-disk.js';

/** `major:minor` of a block device by any of its names, or null when there is none. */
export async function deviceNumberOf(path: string): Promise<string | null> {
  try {
    const status = await stat(await realpath(path));
    if (!status.isBlockDevice()) return null;
    const { major, minor } = deviceNumbers(status.rdev);
    return `${major}:${minor}`;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENXIO'].includes(systemErrorCode(error))) return null;
    throw error;
  }
}

/** Whether there is nothing of this name, and the kernel has no block device of it that only lacks a name here. */
export async function isWithoutDevice(path: string): Promise<boolean> {
  const places = [path, `/sys/class/block/${basename(path)}`];
  return (await Promise.all(places.map(isMissing))).every(Boolean);
}

async function isMissing(path: string): Promise<boolean> {
  try {
    await stat(path);
    return false;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error))) return true;
    throw error;
  }
}

/**
 * Whether a partition's device is this part of its disk. It is not when the table was changed and not read again. True
 * of what is no partition to the kernel: of mapped devices, files, and partitions without a device.
 */
export async function isWhereKernelHasIt(place: {
  readonly device: string;
  readonly startBytes: number;
  readonly sizeBytes: number;
}): Promise<boolean> {
  const number = await deviceNumberOf(place.device);
  if (number === null) return true;
  const [start, size] = await Promise.all(
    ['start', 'size'].map((name) => readFile(`/sys/dev/block/${number}/${name}`, 'utf8').catch(() => null)),
  );
  if (start === null || start === undefined) return true;
  const isThere = Number(start) * KERNEL_SECTOR_BYTES === place.startBytes;
  return isThere && Number(size) * KERNEL_SECTOR_BYTES === place.sizeBytes;
}
