import type { ByteRange } from '#libs/contracts';
import type { FileSystemPlace } from '../file-system-bytes.js';
import { FreeList } from '../free-list.js';
import { believe, MapDoubt } from '../map-doubt.js';
import type { DeviceMount } from '../mounts-of.js';
import { mountOf, readStill, type MapRequest, type StillFileSystem } from '../still-file-system.js';
import { eachLineOf, runTool } from '../tool.runner.js';
import { isXfsLogClean } from './xfs-log.js';
import { xfsFreeSpace } from './xfs-free-space.js';
import { XfsSpaceMapParser } from './xfs-space-map.parser.js';
import { parseXfsSuperblock, XFS_SECTOR_MAX_BYTES, type XfsGeometry } from './xfs-superblock.parser.js';

const SPACE_MAP_TIMEOUT_MS = 2 * 60_000;
const SYNC_TIMEOUT_MS = 5 * 60_000;
/** What one call asks the kernel for. */
const SPACE_MAP_ROWS = 16_384;

/**
 * The free blocks of an xfs as ranges of its disk.
 *
 * While an xfs is mounted, its b-trees on the disk are behind: changes are in memory and in the log first. Who reads them
 * without further ado finds blocks free that hold the content of files, synced ones too. So, in this order:
 * - held still for the whole round already: freezing has written all of it to its place;
 * - the kernel is asked (GETFSMAP, Linux 4.12), which knows what is in memory;
 * - frozen for as long as it takes to read the trees;
 * - else a `MapDoubt`.
 *
 * Without a mount, or with a read-only one, the log must be clean.
 */
export async function xfsFreeExtents(
  place: FileSystemPlace,
  request: MapRequest,
  ask: typeof askKernel = askKernel,
): Promise<Iterable<ByteRange>> {
  const mount = await mountOf(place, request);
  const isLive = mount !== null && !mount.readOnly && request.isHeld?.(mount.mountPoint) !== true;
  const asked = isLive ? await ask(place, mount, request) : null;
  return asked ?? readStill(place, request, xfsFreeWhileStill);
}

/** Null when this machine's kernel or tools cannot say. */
async function askKernel(
  place: FileSystemPlace,
  mount: DeviceMount,
  { signal }: MapRequest,
): Promise<Iterable<ByteRange> | null> {
  const command = `fsmap -d -m -n ${SPACE_MAP_ROWS}`;
  const args = ['-r', '-c', command, mount.mountPoint];
  const free = new FreeList(place.startBytes);
  const parser = new XfsSpaceMapParser((offsetBytes, lengthBytes) => {
    believe(offsetBytes + lengthBytes <= place.sizeBytes, `${place.device} holds a larger xfs than there is room for`);
    free.add(offsetBytes, lengthBytes);
  });
  const options = { timeoutMs: SPACE_MAP_TIMEOUT_MS, signal };
  if (!(await eachLineOf('xfs_io', args, options, (line) => parser.line(line)))) return null;
  parser.end();
  // The kernel calls free what a file has just given up in memory. Only now is it so on the disk as well: a round must
  // not meet a file there whose blocks the map calls free.
  await runTool('sync', ['-f', mount.mountPoint], { timeoutMs: SYNC_TIMEOUT_MS, signal });
  return free;
}

/** The free extents of an xfs that is at rest, as ranges of its disk. Throws a `MapDoubt`. */
export async function xfsFreeWhileStill(fileSystem: StillFileSystem, mount: DeviceMount | null): Promise<FreeList> {
  const geometry = await readGeometry(fileSystem);
  if (mount === null || mount.readOnly) {
    believe(await isXfsLogClean(fileSystem, geometry), 'the log of xfs is not clean');
  }
  return xfsFreeSpace(fileSystem, geometry);
}

async function readGeometry(fileSystem: StillFileSystem): Promise<XfsGeometry> {
  if (fileSystem.sizeBytes < XFS_SECTOR_MAX_BYTES) throw new MapDoubt('too small for an xfs');
  const geometry = parseXfsSuperblock(await fileSystem.read(0, XFS_SECTOR_MAX_BYTES));
  believe(geometry.blocks * geometry.blockBytes <= fileSystem.sizeBytes, 'xfs is larger than what it is on');
  return geometry;
}
