import { readFile } from 'node:fs/promises';
import { EndpointFailure, reasonOf } from '../endpoint-failure.js';
import { deviceNumberOf } from './device-number.js';
import { mountsOf } from './mounts-of.js';

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
    const number = await deviceNumberOf(device);
    if (number === null) return false;
    const tables = [await readFile(OWN_MOUNTS, 'utf8'), await readFile(MACHINE_MOUNTS, 'utf8').catch(() => '')];
    const listed = await Promise.all(tables.map((table) => listsWritable(table, number)));
    return listed.includes(true);
  } catch (error) {
    throw new EndpointFailure('USED_BLOCKS_UNKNOWN', `${device}: ${reasonOf(error)}`, { cause: error });
  }
}

/** @param table of the form of `/proc/self/mountinfo` (proc(5)) */
export async function listsWritable(table: string, deviceNumber: string): Promise<boolean> {
  return (await mountsOf(deviceNumber, table, deviceNumberOf)).some(({ readOnly }) => !readOnly);
}
