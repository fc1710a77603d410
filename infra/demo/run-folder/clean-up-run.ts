import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { removeLocalStack } from '#libs/local-stack';
import { endProcess } from '../machine/end-process.js';
import { detachImage, imagesAttachedUnder } from '../machine/loop-device.js';
import { mountPointsUnder, unmount } from '../machine/mount-point.js';
import { processIdentity } from '../machine/process-identity.js';
import { waitFor } from '../machine/wait-for.js';
import { PID_FILE_SUFFIX } from '../programs/program.js';

export const SERVER_FOLDER = 'server';
export const TARGET_VMS_FOLDER = 'target-vms';

/** Programs of a run that crashed were asked to end already, by the kernel. */
const GRACE_MS = 15_000;
const UNMOUNT_BOUND_MS = 10_000;

/** What a target VM of the local-process driver says about its restorer. */
const vmFile = z.object({ restorer: processIdentity.nullable() });

/**
 * Ends and takes away everything that a run left outside its folder: programs, restore environments, servers,
 * mounts, loop devices. The folder itself stays. May be called in any state.
 *
 * @throws when something cannot be taken away
 */
export async function cleanUpRun(folder: string): Promise<void> {
  for (const file of await filesIn(folder)) {
    if (file.endsWith(PID_FILE_SUFFIX)) await endRecorded(join(folder, file), processIdentity);
  }
  await endRestorers(folder);
  await removeLocalStack(join(folder, SERVER_FOLDER, 'stack'));
  await releaseDisks(folder);
}

/** Restore environments outlive their server, as machines on a real platform do. */
export async function endRestorers(folder: string): Promise<void> {
  const root = join(folder, SERVER_FOLDER, TARGET_VMS_FOLDER);
  for (const vm of await filesIn(root)) {
    await endRecorded(
      join(root, vm, 'vm.json'),
      vmFile.transform(({ restorer }) => restorer),
    );
  }
}

/** Unmounts and detaches whatever lies in the folder. */
export async function releaseDisks(folder: string): Promise<void> {
  for (const mountPoint of await mountPointsUnder(folder)) await unmountInTime(mountPoint);
  for (const attached of await imagesAttachedUnder(folder)) await detachImage(attached);
}

/** Who was in it may be about to end. */
async function unmountInTime(mountPoint: string): Promise<void> {
  let lastError: unknown;
  const attempt = async () => {
    try {
      await unmount(mountPoint);
      return true;
    } catch (error) {
      lastError = error;
      return undefined;
    }
  };
  await waitFor(`${mountPoint} to be unmounted`, attempt, { boundMs: UNMOUNT_BOUND_MS }).catch(() => {
    throw lastError;
  });
}

async function endRecorded(file: string, schema: z.ZodType<z.infer<typeof processIdentity> | null>): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  const { data } = schema.safeParse(text === undefined ? undefined : jsonOf(text));
  if (data !== undefined && data !== null) await endProcess(data, GRACE_MS);
}

/** @returns undefined for a file that a crash cut off */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const filesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
