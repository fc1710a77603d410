import { readdir, readlink } from 'node:fs/promises';

/** How many files below a folder this process has open, also those that are removed already. */
export async function openFilesIn(folder: string): Promise<number> {
  const all = await readdir('/proc/self/fd');
  const targets = await Promise.all(all.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(`${folder}/`)).length;
}
