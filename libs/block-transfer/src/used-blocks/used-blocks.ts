import type { ByteRange, Disk, FileSystem } from '#libs/contracts';
import { isWhereKernelHasIt } from './device-number.js';
import { whyDoubtful } from './doubtful-partition.decision.js';
import { freeOfExfat } from './exfat-free-extents.js';
import { freeOfExt } from './ext-free-extents.js';
import { freeOfFat } from './fat-free-extents.js';
import type { FileSystemBytes, FileSystemPlace } from './file-system-bytes.js';
import { FreeList } from './free-list.js';
import { freeOfSwap } from './swap-free-extents.js';
import { runTool, toolOutput } from './tool.runner.js';
import { btrfsFreeExtents, btrfsFreeWhileStill } from './btrfs/btrfs-free-extents.js';
import { isBtrfs } from './btrfs/btrfs-superblock.parser.js';
import { MapDoubt, OutgrownDoubt } from './map-doubt.js';
import { isNtfs } from './ntfs/ntfs-boot.parser.js';
import { ntfsFreeExtents, ntfsFreeWhileStill } from './ntfs/ntfs-free-extents.js';
import { anyMountPointOf, readAsInMemory, type MapRequest, type StillFileSystem } from './still-file-system.js';
import { lvmFreeExtents } from './lvm/lvm-free-extents.js';
import { usedMapFromFree, type UsedMap } from './used-map.js';
import { xfsFreeExtents, xfsFreeWhileStill } from './xfs/xfs-free-extents.js';
import { isXfs } from './xfs/xfs-superblock.parser.js';

const SYNC_TIMEOUT_MS = 5 * 60_000;
const PROBE_TIMEOUT_MS = 30_000;
/** Holds what every file system that is known here begins with. */
const HEAD_BYTES = 128 * 1024;

interface PlacedFileSystem {
  readonly place: FileSystemPlace;
  /** Why nothing of it is free; or null. */
  readonly doubt: string | null;
  readonly fileSystem: FileSystem;
}

type FreeExtentsOf = (place: FileSystemPlace, request: MapRequest) => Promise<Iterable<ByteRange>>;

export interface UsedBlocksOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * Freezes a mounted file system for as long as its map is read; null when that cannot be, or must not be. Without it,
   * a mounted file system whose map cannot be had otherwise is used as a whole.
   */
  readonly holdStill?: MapRequest['holdStill'];
  /** Whether the file system at a mount point is held still until the round has read the disk. */
  readonly isHeld?: MapRequest['isHeld'];
  /** Hears of file systems all of whose bytes count as used because their map cannot be believed. */
  readonly onDoubt?: ((device: string, reason: string) => void) | undefined;
}

/** File systems whose free blocks can be listed. Any other type has none: all its bytes are used. */
const FREE_EXTENTS: Readonly<Record<string, FreeExtentsOf>> = {
  ext2: asInMemory(freeOfExt),
  ext3: asInMemory(freeOfExt),
  ext4: asInMemory(freeOfExt),
  vfat: asInMemory(freeOfFat),
  exfat: asInMemory(freeOfExfat),
  swap: asInMemory(freeOfSwap),
  xfs: xfsFreeExtents,
  btrfs: btrfsFreeExtents,
  ntfs: ntfsFreeExtents,
  LVM2_member: lvmFreeExtents,
};

/**
 * Lists the used bytes of a disk. Used is what no file system on it calls free: also partition tables, gaps between
 * partitions, and partitions with an unknown file system or none.
 *
 * Mounted file systems are synced first, all of them: data that waits in memory has no block yet, and the round reads
 * the device, not the page cache. They are synced again when the maps are read: a map shows at once what was deleted,
 * and the disk that is read next shall not still hold, in a journal to be replayed, that the file is there.
 *
 * Rejects with an EndpointFailure `USED_BLOCKS_UNKNOWN`, or the signal's reason.
 */
export async function usedBlocksOf(disk: Disk, options: UsedBlocksOptions = {}): Promise<UsedMap> {
  const placed = await fileSystemsOf(disk);
  const mountPoints = mountPointsOf(disk, placed);
  await syncAll(mountPoints, options.signal);
  const free = new FreeList(0);
  for (const { place, doubt, fileSystem } of placed) {
    if (doubt === null) free.addAll(await freeExtentsIn(disk, place, fileSystem, options));
    else options.onDoubt?.(place.device, doubt);
  }
  await syncAll(mountPoints, options.signal);
  return usedMapFromFree(disk.sizeBytes, free);
}

/** Also of what lies in containers: their content is on this disk as well. */
function mountPointsOf({ volumes = [] }: Disk, placed: readonly PlacedFileSystem[]): string[] {
  return [...placed, ...volumes].flatMap(({ fileSystem: { mountPoint, type } }) =>
    mountPoint === null || type === 'swap' ? [] : [mountPoint],
  );
}

async function syncAll(mountPoints: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  for (const mountPoint of mountPoints) {
    await runTool('sync', ['-f', mountPoint], { timeoutMs: SYNC_TIMEOUT_MS, signal });
  }
}

/** Of those whose structures are the kernel's pages of their device. */
function asInMemory(freeOf: (bytes: FileSystemBytes) => Promise<FreeList>): FreeExtentsOf {
  return (place, request) => readAsInMemory(place, request, freeOf);
}

/** Nothing is free where nobody can tell, or nobody can be believed. */
async function freeExtentsIn(
  disk: Disk,
  place: FileSystemPlace,
  { type, mountPoint }: FileSystem,
  options: UsedBlocksOptions,
  isInside = false,
): Promise<Iterable<ByteRange>> {
  const freeExtentsOf = FREE_EXTENTS[type];
  if (freeExtentsOf === undefined) return [];
  const doubtingUnless =
    (mayHaveGrown: boolean): MapRequest['doubting'] =>
    async (name, read) => {
      try {
        return await read();
      } catch (error) {
        if (!isDoubt(error) || (mayHaveGrown && error instanceof OutgrownDoubt)) throw error;
        options.onDoubt?.(name, error.message);
        return [];
      }
    };
  const request: MapRequest = {
    ...options,
    ...{ diskDevice: disk.device, mountPoint, doubting: doubtingUnless(true), freeInBytes },
    freeOn: (inner) => freeExtentsOn(disk, inner, options),
  };
  // What is in a container may have grown with its volume, which the container's reader looks at again.
  return doubtingUnless(isInside)(place.device, () => freeExtentsOf(place, request));
}

/** Also for a structure that leads out of what was read of it, where no reader has put the doubt into words. */
function isDoubt(error: unknown): error is Error {
  return error instanceof MapDoubt || error instanceof RangeError;
}

/** A device inside of a container, whose file system the inventory may not have seen. */
async function freeExtentsOn(
  disk: Disk,
  place: FileSystemPlace,
  options: UsedBlocksOptions,
): Promise<Iterable<ByteRange>> {
  const { signal } = options;
  const probe = ['-p', '-o', 'value', '-s', 'TYPE', place.device];
  const type = (await toolOutput('blkid', probe, { timeoutMs: PROBE_TIMEOUT_MS, signal }))?.trim() ?? '';
  if (type === '') return [];
  const seen = disk.volumes?.find(({ device }) => device === place.device)?.fileSystem;
  const mountPoint = seen?.mountPoint ?? null;
  const { sizeBytes } = place;
  const fileSystem = { type, uuid: null, label: null, sizeBytes, usedBytes: null, mountPoint };
  const mounted = await anyMountPointOf(place);
  if (mounted !== null) await runTool('sync', ['-f', mounted], { timeoutMs: SYNC_TIMEOUT_MS, signal });
  return freeExtentsIn({ ...disk, device: place.device }, place, fileSystem, options, true);
}

/** File systems that can be read without a device of their own, each with what it begins with. */
async function freeInBytes(fileSystem: StillFileSystem): Promise<Iterable<ByteRange> | null> {
  const head = await fileSystem.read(0, Math.min(HEAD_BYTES, fileSystem.sizeBytes));
  if (isXfs(head)) return xfsFreeWhileStill(fileSystem, null);
  if (isBtrfs(head)) return btrfsFreeWhileStill(fileSystem);
  if (isNtfs(head)) return ntfsFreeWhileStill(fileSystem);
  return null;
}

async function fileSystemsOf(disk: Disk): Promise<PlacedFileSystem[]> {
  const placed: PlacedFileSystem[] = [];
  if (disk.fileSystem !== null) {
    const place = { device: disk.device, startBytes: 0, sizeBytes: disk.sizeBytes };
    placed.push({ place, doubt: null, fileSystem: disk.fileSystem });
  }
  for (const partition of disk.partitions) {
    const { device, startBytes, sizeBytes, fileSystem } = partition;
    if (fileSystem === null) continue;
    const place = { device, startBytes, sizeBytes };
    const elsewhere = (await isWhereKernelHasIt(place)) ? null : 'the kernel has it in another place';
    placed.push({ place, doubt: whyDoubtful(partition, disk) ?? elsewhere, fileSystem });
  }
  return placed;
}
