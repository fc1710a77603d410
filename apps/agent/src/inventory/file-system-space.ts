import type { FileSystem } from '#libs/contracts';
import { parseDumpe2fs } from './dumpe2fs.parser.js';
import type { MachineView } from './machine-view.js';
import type { Mount } from './mount-table.parser.js';

/** Where a file system is: `path` as the e2fsprogs understand it, with an offset where no device exists. */
export interface FileSystemPlace {
  readonly path: string;
  /** Size of the partition or disk it is on, in bytes. */
  readonly sizeBytes: number;
  readonly mount: Mount | null;
}

type Space = Pick<FileSystem, 'sizeBytes' | 'usedBytes'>;

/** Size and used bytes: from the kernel when mounted, from the superblock of an unmounted ext; else use is unknown. */
export async function measureFileSystem(machine: MachineView, type: string, place: FileSystemPlace): Promise<Space> {
  const space = place.mount === null ? await ofUnmounted(machine, type, place) : await ofMounted(machine, place.mount);
  // A file system over several devices, or a damaged superblock: its figures are not this device's.
  if (space === null || space.sizeBytes > place.sizeBytes) return { sizeBytes: place.sizeBytes, usedBytes: null };
  return space;
}

async function ofMounted(machine: MachineView, mount: Mount): Promise<Space | null> {
  const space = await machine.spaceOf(mount.mountPoint);
  if (space === null) return null;
  // Another file system mounted over this one answers in its place. Files on btrfs bear their subvolume's number.
  if (mount.type !== 'btrfs' && space.deviceNumber !== mount.deviceNumber) return null;
  return { sizeBytes: space.sizeBytes, usedBytes: space.usedBytes };
}

async function ofUnmounted(machine: MachineView, type: string, place: FileSystemPlace): Promise<Space | null> {
  if (!/^ext[234]$/.test(type)) return null;
  const { exitCode, stdout } = await machine.run('dumpe2fs', ['-h', place.path]);
  return exitCode === 0 ? parseDumpe2fs(stdout) : null;
}
