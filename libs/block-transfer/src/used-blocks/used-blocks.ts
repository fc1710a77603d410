import type { ByteRange, Disk, FileSystem } from '#libs/contracts';
import { EndpointFailure } from '../endpoint-failure.js';
import { exfatFreeExtents } from './exfat-free-extents.js';
import { extFreeExtents, type FileSystemPlace } from './ext-free-extents.js';
import { fatFreeExtents } from './fat-free-extents.js';
import { swapFreeExtents } from './swap-free-extents.js';
import { runTool } from './tool.runner.js';
import { usedMapFromFree, type UsedMap } from './used-map.js';

const SYNC_TIMEOUT_MS = 5 * 60_000;

interface PlacedFileSystem {
  readonly place: FileSystemPlace;
  readonly fileSystem: FileSystem;
}

type FreeExtentsOf = (place: FileSystemPlace, options: { signal?: AbortSignal | undefined }) => Promise<ByteRange[]>;

/** File systems whose free blocks can be listed. Any other type has none: all its bytes are used. */
const FREE_EXTENTS: Readonly<Record<string, FreeExtentsOf>> = {
  ext2: extFreeExtents,
  ext3: extFreeExtents,
  ext4: extFreeExtents,
  vfat: fatFreeExtents,
  exfat: exfatFreeExtents,
  swap: swapFreeExtents,
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
export async function usedBlocksOf(disk: Disk, options: { signal?: AbortSignal } = {}): Promise<UsedMap> {
  const placed = fileSystemsOf(disk);
  await syncMounted(placed, options.signal);
  const free: ByteRange[] = [];
  for (const { place, fileSystem } of placed) {
    const freeExtentsOf = FREE_EXTENTS[fileSystem.type];
    if (freeExtentsOf === undefined) continue;
    for (const extent of await freeExtentsOf(place, { signal: options.signal })) free.push(extent);
  }
  await syncMounted(placed, options.signal);
  return usedMapFromFree(disk.sizeBytes, free);
}

async function syncMounted(placed: readonly PlacedFileSystem[], signal: AbortSignal | undefined): Promise<void> {
  for (const { fileSystem } of placed) {
    if (fileSystem.mountPoint === null || fileSystem.type === 'swap') continue;
    await runTool('sync', ['-f', fileSystem.mountPoint], { timeoutMs: SYNC_TIMEOUT_MS, signal });
  }
}

function fileSystemsOf(disk: Disk): PlacedFileSystem[] {
  const placed: PlacedFileSystem[] = [];
  if (disk.fileSystem !== null) {
    const place = { device: disk.device, startBytes: 0, sizeBytes: disk.sizeBytes };
    placed.push({ place, fileSystem: disk.fileSystem });
  }
  for (const { device, startBytes, sizeBytes, fileSystem } of disk.partitions) {
    if (startBytes + sizeBytes > disk.sizeBytes) {
      throw new EndpointFailure('USED_BLOCKS_UNKNOWN', `${device} reaches beyond the end of ${disk.device}`);
    }
    if (fileSystem !== null) placed.push({ place: { device, startBytes, sizeBytes }, fileSystem });
  }
  return placed;
}
