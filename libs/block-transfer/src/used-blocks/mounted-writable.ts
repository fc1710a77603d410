import { readFile, stat } from 'node:fs/promises';
import { EndpointFailure, reasonOf } from '../endpoint-failure.js';
import { deviceNumbers } from '../source/source-disk.js';

/** Mounts that this process sees. */
const OWN_MOUNTS = '/proc/self/mountinfo';
/** Those of the machine's first process: a service may have a view of its own. Hidden from a container. */
const MACHINE_MOUNTS = '/proc/1/mountinfo';

/**
 * Whether the kernel has a file system on this device in hand for writing. Only then is a file system that calls
 * itself unclean simply in use: its structures in the page cache are true. Otherwise it was left by a crash, and they
 * are older than its journal, or than its files.
 *
 * Mounted read-only is not enough: `noload` leaves a journal unplayed.
 */
export async function isMountedWritable(device: string): Promise<boolean> {
  try {
    const status = await stat(device);
    if (!status.isBlockDevice()) return false;
    const { major, minor } = deviceNumbers(status.rdev);
    const tables = [await readFile(OWN_MOUNTS, 'utf8'), await readFile(MACHINE_MOUNTS, 'utf8').catch(() => '')];
    return tables.some((table) => listsWritable(table, `${major}:${minor}`));
  } catch (error) {
    throw new EndpointFailure('USED_BLOCKS_UNKNOWN', `${device}: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * Pure part of {@link isMountedWritable}.
 * @param table of the form of `/proc/self/mountinfo` (proc(5)): the third field is the device, the last one the options
 * of the file system, as against those of the mount
 */
export function listsWritable(table: string, deviceNumber: string): boolean {
  return table.split('\n').some((line) => {
    const fields = line.split(' ');
    const superOptions = fields.at(-1)?.split(',') ?? [];
    return fields[2] === deviceNumber && superOptions.includes('rw');
  });
}
