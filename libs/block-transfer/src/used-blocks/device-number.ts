import { realpath, stat } from 'node:fs/promises';
import { systemErrorCode } from '../endpoint-failure.js';
import { deviceNumbers } from '../source/source-disk.js';

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
