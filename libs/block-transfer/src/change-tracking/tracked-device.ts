import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../endpoint-failure.js';
import { deviceNumbers } from '../source/source-disk.js';
import { TrackingFailure } from './tracking-failure.js';

/** The kernel keeps a device's minor number in so many bits. */
const MINOR_VALUES = 2 ** 20;

/** A disk's device as the kernel sees it now. */
export interface TrackedDevice {
  /** As trace events name it. */
  readonly number: number;
  /** Another one when the device was taken away and came back, even under the same name. */
  readonly identity: string;
}

/**
 * Finds the device. Throws a TrackingFailure `device-not-tracked` when its writes are not all seen as requests with a
 * place on the whole disk: partitions, devices that have no requests of their own (MD, most of device mapper, NVMe
 * multipath, RAM disks), zoned ones, and files.
 */
export async function trackedDevice(path: string): Promise<TrackedDevice> {
  const refuse = (why: string): never => {
    throw new TrackingFailure('device-not-tracked', `${path} ${why}`);
  };
  const status = await stat(path).catch((error: unknown) => refuse(reasonOf(error)));
  if (!status.isBlockDevice()) return refuse('is not a block device');
  const { major, minor } = deviceNumbers(status.rdev);
  const folder = `/sys/dev/block/${major}:${minor}`;
  if (existsSync(join(folder, 'partition'))) return refuse('is a partition');
  // Only drivers with request queues have it; the others complete what they are given without an event that says where.
  if (!existsSync(join(folder, 'mq'))) return refuse('has no requests of its own');
  // Kernels that know no zones have no such file.
  const zoned = await readFile(join(folder, 'queue/zoned'), 'utf8').catch(() => 'none');
  if (zoned.trim() !== 'none') return refuse('is zoned');
  // The inode of a device's folder in sysfs is never used again; the sequence number also counts media and loop files.
  const { ino } = await stat(`${folder}/`);
  const sequence = await readFile(join(folder, 'diskseq'), 'utf8').catch(() => '');
  return { number: major * MINOR_VALUES + minor, identity: `${major}:${minor} ${ino} ${sequence.trim()}` };
}
