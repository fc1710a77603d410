import type { GuestFileSystem, GuestMount } from './file-systems.js';
import { mountOf } from './mounting.js';
import { VirtualMachine, type GuestSystem } from './machine/virtual-machine.js';

/** What `fsck.vfat` has to say when the one thing it finds is the mark of a file system in use, in the boot sector only. */
const FAT_IN_USE = [
  ...['There are differences between boot sector and its backup.', '  65:01/00', '  Not automatically fixing this.'],
  'This is mostly harmless. Differences: (offset:original/backup)',
  'Dirty bit is set. Fs was not properly unmounted and some data may be corrupt.',
  ...[' Automatically removing dirty bit.', 'Leaving filesystem unchanged.'],
];
/** Read-only checks; `$1` is the device. */
const CHECKS: Readonly<Record<string, string>> = {
  ext4: 'e2fsck -f -n "$1"',
  xfs: 'xfs_repair -n "$1"',
  btrfs: 'btrfs check --readonly "$1"',
  exfat: 'fsck.exfat -n "$1"',
  ntfs: 'ntfsfix -n "$1"',
  vfat: `
    if said=$(fsck.vfat -n "$1" 2>/dev/null); then exit 0; fi
    case "$said" in *'Dirty bit is set'*) rest=$(echo "$said" | sed '1d; $d') ;; *) rest=$said ;; esac
    if echo "$rest" | grep -v -x -F ${FAT_IN_USE.map((line) => `-e '${line}'`).join(' ')} -e ''; then
      echo "$said" >&2
      exit 1
    fi
    [ -n "$said" ]`,
};
/** What is frozen is clean but for a log that the next mount goes through; others must be in order as they are. */
const CHECKED_BEFORE_MOUNT: ReadonlySet<string> = new Set(['ext4', 'vfat', 'exfat', 'ntfs', 'btrfs']);

/**
 * Starts a guest with the target's disk, which nothing is written to, checks its file systems, and mounts them.
 * @returns the files of each mount
 * @throws Error with what a check has to say
 */
export async function checkTarget(
  system: GuestSystem,
  image: string,
  { activate, mounts }: GuestFileSystem,
  consoleLog: string,
): Promise<string[]> {
  const guest = await VirtualMachine.start(system, [{ image, isScratch: true }], consoleLog);
  try {
    await guest.link.shell(activate);
    const trees: string[] = [];
    for (const mount of mounts) {
      if (CHECKED_BEFORE_MOUNT.has(mount.type)) await guest.link.shell(checkOf(mount));
      await guest.link.shell(mountOf(mount));
      trees.push(await guest.link.ask('tree', { folder: mount.mountPoint }));
      await guest.link.shell(`umount ${mount.mountPoint}`);
      await guest.link.shell(checkOf(mount));
    }
    return trees;
  } finally {
    await guest.stop();
  }
}

function checkOf({ type, device }: GuestMount): string {
  const check = CHECKS[type];
  if (check === undefined) throw new Error(`no check for ${type}`);
  return `set -- ${device}\n${check}`;
}
