import { mkdir, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { attachImage, detachImage, partitionNode } from '../machine/loop-device.js';
import { mount, unmount } from '../machine/mount-point.js';
import { commandOutput } from '../machine/run-command.js';
import { chooseFiles, planFiles } from './file-plan.js';
import { FileTree } from './file-tree.js';
import { randomNumbers, seededUuid } from './seeded-random.js';
import { MountedSourceDisk, type SourceDisk } from './source-disk.js';

export type SourceDiskOptions = {
  /** Absolute path; made when missing. Receives `source.img` and the mount point `source`. */
  readonly folder: string;
  /** Size of the whole disk. */
  readonly sizeMiB: number;
  readonly fileCount: number;
  /** The same seed gives the same files with the same content. */
  readonly seed: string;
};

const MIB = 1024 * 1024;
/** Room for the partition table in front of the partition, and for its copy at the disk's end. */
const PARTITION_START_MIB = 1;
const FILLED_PART = 0.575;
/** What is deleted again leaves its bytes behind in free blocks, which a migration must not send. */
const KEPT_PART = 0.5;

/**
 * Makes a disk as a migration finds it: GPT, one ext4 partition, mounted, about half used, and free blocks full of
 * what was deleted. Needs root's rights (loop devices, mounts). What was made is removed again when it fails.
 *
 * @throws CommandFailed, or the file system's own errors
 */
export async function createSourceDisk(options: SourceDiskOptions): Promise<SourceDisk> {
  const imagePath = join(options.folder, 'source.img');
  const mountPoint = join(options.folder, 'source');
  await mkdir(mountPoint, { recursive: true });
  await makePartitionedImage(imagePath, options);
  const device = await attachImage(imagePath, 'read-write');
  try {
    const partitionDevice = await partitionNode(device, 1);
    await makeFileSystem(partitionDevice, options.seed);
    await mount(partitionDevice, mountPoint, []);
    const tree = await fill(mountPoint, options);
    return new MountedSourceDisk({ device, partitionDevice, imagePath, mountPoint }, tree);
  } catch (error) {
    await unmount(mountPoint).catch(() => undefined);
    await detachImage({ device, imagePath }).catch(() => undefined);
    await rm(imagePath, { force: true });
    throw error;
  }
}

async function makePartitionedImage(imagePath: string, { sizeMiB, seed }: SourceDiskOptions): Promise<void> {
  const image = await open(imagePath, 'w');
  await image.truncate(sizeMiB * MIB);
  await image.close();
  const table = [
    'label: gpt',
    `label-id: ${seededUuid(`disk ${seed}`)}`,
    `start=${PARTITION_START_MIB}MiB, type=linux, uuid=${seededUuid(`partition ${seed}`)}`,
  ];
  await commandOutput('sfdisk', ['--quiet', imagePath], `${table.join('\n')}\n`);
}

/** Without lazy initialisation: the kernel would write in the background while somebody compares. */
async function makeFileSystem(partitionDevice: string, seed: string): Promise<void> {
  const uuid = seededUuid(`file system ${seed}`);
  const extended = `lazy_itable_init=0,lazy_journal_init=0,nodiscard,hash_seed=${uuid}`;
  await commandOutput('mkfs.ext4', [
    '-q',
    '-F',
    '-m',
    '0',
    '-U',
    uuid,
    '-L',
    'landfall',
    '-E',
    extended,
    partitionDevice,
  ]);
}

async function fill(mountPoint: string, { seed, fileCount }: SourceDiskOptions): Promise<FileTree> {
  const { bfree, bsize } = await statfs(mountPoint);
  const freeBytes = bfree * bsize;
  const tree = new FileTree(mountPoint, seed);
  for (const file of planFiles(seed, fileCount, Math.floor(freeBytes * FILLED_PART))) await tree.write(file);
  await tree.addOddities();
  // Files that are deleted before they reached the disk would leave nothing behind in free blocks.
  await tree.sync();
  const surplusBytes = Math.floor(freeBytes * (FILLED_PART - KEPT_PART));
  for (const file of chooseFiles(tree.files(), surplusBytes, randomNumbers(`delete ${seed}`))) {
    await tree.delete(file.path);
  }
  await tree.sync();
  return tree;
}
