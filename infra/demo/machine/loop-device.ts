import { existsSync } from 'node:fs';
import { readFile, readdir, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { commandOutput, runCommand } from './run-command.js';
import { waitFor } from './wait-for.js';

const NODE_BOUND_MS = 5_000;
const DETACH_BOUND_MS = 5_000;

export type AttachedImage = { readonly device: string; readonly imagePath: string };

/**
 * Attaches an image file to a free loop device; partition nodes are asked for with {@link partitionNode}.
 *
 * @throws CommandFailed without root's rights or without loop devices
 */
export async function attachImage(imagePath: string, access: 'read-write' | 'read-only'): Promise<string> {
  const options = access === 'read-only' ? ['--read-only'] : [];
  return (await commandOutput('losetup', ['--find', '--show', '--partscan', ...options, imagePath])).trim();
}

/**
 * The device node of a partition. The kernel makes it by itself (`losetup --partscan`) only where loop devices
 * were given partitions at boot; elsewhere partx tells the kernel of each partition.
 *
 * @throws CommandFailed or WaitedInVain when there is no such partition
 */
export async function partitionNode(device: string, number: number): Promise<string> {
  const node = `${device}p${number}`;
  const isKnown = () => existsSync(join('/sys/class/block', basename(node)));
  if (!isKnown()) await commandOutput('partx', ['--update', device]);
  return waitFor(`the partition ${node}`, async () => (isKnown() && existsSync(node) ? node : undefined), {
    boundMs: NODE_BOUND_MS,
  });
}

/**
 * Detaches an image with its partitions, and waits until that is done. Harmless when it was done before: by then the
 * device may be somebody else's.
 */
export async function detachImage({ device, imagePath }: AttachedImage): Promise<void> {
  const isAttached = async (): Promise<boolean> => {
    const held = await backingFileOf(basename(device));
    return held !== undefined && (held === imagePath || held === (await realpath(imagePath).catch(() => imagePath)));
  };
  if (!(await isAttached())) return;
  await runCommand('partx', ['--delete', device]);
  await commandOutput('losetup', ['--detach', device]);
  await waitFor(`${device} to be detached`, async () => ((await isAttached()) ? undefined : true), {
    boundMs: DETACH_BOUND_MS,
  });
}

/** @returns the loop devices whose image file lies in this folder (an absolute path) or below */
export async function imagesAttachedUnder(folder: string): Promise<readonly AttachedImage[]> {
  const names = (await readdir('/sys/block')).filter((name) => name.startsWith('loop'));
  const attached = await Promise.all(
    names.map(async (name) => ({ device: `/dev/${name}`, imagePath: await backingFileOf(name) })),
  );
  return attached.flatMap(({ device, imagePath }) =>
    imagePath?.startsWith(`${folder}/`) === true ? [{ device, imagePath }] : [],
  );
}

/** A deleted image is shown with this behind its path. */
const DELETED = / \(deleted\)$/;

async function backingFileOf(name: string): Promise<string | undefined> {
  try {
    return (await readFile(join('/sys/block', name, 'loop/backing_file'), 'utf8')).trim().replace(DELETED, '');
  } catch {
    return undefined;
  }
}
