import type { Disk, FileSystem } from '#libs/contracts';

/** File systems that Linux can freeze and thaw without a trace. */
const HOLDABLE_TYPES: ReadonlySet<string> = new Set(['ext4', 'xfs', 'btrfs']);

export interface MountedFileSystem {
  readonly device: string;
  readonly type: string;
  readonly mountPoint: string;
}

/** Where something lives: the number of its file system, and the device that it is mounted from. */
export interface Place {
  readonly deviceNumber: number;
  readonly sourceDevice: string;
}

export interface HoldPlan {
  readonly hold: readonly MountedFileSystem[];
  /** Flushed only, each with the reason. */
  readonly flushOnly: readonly { readonly fileSystem: MountedFileSystem; readonly reason: string }[];
}

/** Everything on these disks that is mounted, each file system once: a volume may lie on several of them. */
export function mountedOn(disks: readonly Disk[]): MountedFileSystem[] {
  const found: { device: string; fileSystem: FileSystem | null }[] = disks.flatMap((disk) => [
    { device: disk.device, fileSystem: disk.fileSystem },
    ...disk.partitions.map(({ device, fileSystem }) => ({ device, fileSystem })),
    ...(disk.volumes ?? []),
  ]);
  const mounted = found.flatMap(({ device, fileSystem }) =>
    fileSystem?.mountPoint == null ? [] : [{ device, type: fileSystem.type, mountPoint: fileSystem.mountPoint }],
  );
  return [...new Map(mounted.map((fileSystem) => [fileSystem.mountPoint, fileSystem])).values()];
}

/**
 * Decides what may be held still. Whoever writes to a held file system waits, so those that the agent itself, or the
 * whole machine, writes to are left alone: a held agent could not let go.
 * @param ownPlaces where the agent writes, and the root
 */
export function planHold(
  mounted: readonly (MountedFileSystem & { readonly place: Place })[],
  ownPlaces: readonly Place[],
): HoldPlan {
  const hold: MountedFileSystem[] = [];
  const flushOnly: { fileSystem: MountedFileSystem; reason: string }[] = [];
  for (const { place, ...fileSystem } of mounted) {
    const reason = whyNot(fileSystem, place, ownPlaces);
    if (reason === null) hold.push(fileSystem);
    else flushOnly.push({ fileSystem, reason });
  }
  return { hold, flushOnly };
}

function whyNot(fileSystem: MountedFileSystem, place: Place, ownPlaces: readonly Place[]): string | null {
  if (!HOLDABLE_TYPES.has(fileSystem.type)) return `${fileSystem.type} cannot be frozen`;
  if (fileSystem.mountPoint === '/') return 'it is the root file system';
  // The number differs between subvolumes of one btrfs, the device does not; a bind mount may hide the device.
  const shared = ownPlaces.some(
    (own) =>
      own.deviceNumber === place.deviceNumber ||
      own.sourceDevice === place.sourceDevice ||
      own.sourceDevice === fileSystem.device,
  );
  return shared ? 'the agent, or the root, is on it' : null;
}
