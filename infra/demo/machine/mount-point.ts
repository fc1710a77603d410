import { mkdir, readFile } from 'node:fs/promises';
import { commandOutput } from './run-command.js';

/**
 * Mounts a file system. Access times are not kept: reading must not write.
 *
 * @throws CommandFailed
 */
export async function mount(device: string, mountPoint: string, options: readonly string[]): Promise<void> {
  await mkdir(mountPoint, { recursive: true });
  await commandOutput('mount', ['-o', ['noatime', ...options].join(','), device, mountPoint]);
}

/** Unmounts, when it is mounted. @throws CommandFailed while it is in use */
export async function unmount(mountPoint: string): Promise<void> {
  if (!(await mountPointsUnder(mountPoint)).includes(mountPoint)) return;
  await commandOutput('umount', [mountPoint]);
}

/** @returns mount points in this folder (an absolute path) or below, deepest first */
export async function mountPointsUnder(folder: string): Promise<readonly string[]> {
  return mountPointsIn(await readFile('/proc/self/mountinfo', 'utf8'), folder);
}

/** @param mountInfo content of `/proc/self/mountinfo`, where blanks in paths are octal escapes */
export function mountPointsIn(mountInfo: string, folder: string): readonly string[] {
  const mountPoints = mountInfo
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map((path) => path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))));
  return mountPoints
    .filter((path) => path === folder || path.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length);
}
