import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identityOf, isRunning, processIdentity } from '../machine/process-identity.js';
import { cleanUpRun } from './clean-up-run.js';

const OWNER_FILE = 'owner.json';

/**
 * Makes the folder of this run, after the runs before it were cleaned up and removed. Runs that are still going
 * on, of another terminal, are left alone.
 *
 * @param root holds a folder per run
 * @param name of this run
 */
export async function makeRunFolder(root: string, name: string): Promise<string> {
  await mkdir(root, { recursive: true });
  for (const older of await readdir(root)) {
    const folder = join(root, older);
    if (await isOwnerRunning(folder)) continue;
    await cleanUpRun(folder);
    await rm(folder, { recursive: true, force: true });
  }
  const folder = join(root, name);
  await mkdir(folder);
  await writeFile(join(folder, OWNER_FILE), JSON.stringify(await identityOf(process.pid)));
  return folder;
}

async function isOwnerRunning(folder: string): Promise<boolean> {
  try {
    return await isRunning(processIdentity.parse(JSON.parse(await readFile(join(folder, OWNER_FILE), 'utf8'))));
  } catch {
    return false;
  }
}
