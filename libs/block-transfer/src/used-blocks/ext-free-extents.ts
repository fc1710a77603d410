import { setImmediate } from 'node:timers/promises';
import { EndpointFailure, reasonOf } from '../endpoint-failure.js';
import { eachFreeRun } from './bitmap-runs.js';
import { fitsSuperblock } from './ext-checksums.js';
import { ExtGroups } from './ext-groups.js';
import { groupClusters, groupRange } from './ext-layout.js';
import {
  EXT_SUPERBLOCK_BYTES,
  EXT_SUPERBLOCK_OFFSET_BYTES,
  parseExtSuperblock,
  type ExtSuperblock,
} from './ext-superblock.parser.js';
import type { FileSystemBytes } from './file-system-bytes.js';
import { FreeList } from './free-list.js';
import { believe, MapDoubt, OutgrownDoubt } from './map-doubt.js';
import { isMountedWritable } from './mounted-writable.js';

/** A superblock that is changed while it is read has a wrong checksum for a moment. */
const SUPERBLOCK_ATTEMPTS = 10;
/** A file system may grow while its groups are read, step by step when it grows by much. */
const LAYOUT_ATTEMPTS = 3;
/** Groups are gone through in portions of this, with a pause for everything else. */
const GROUPS_AT_ONCE = 64;

/**
 * The free blocks of an ext2, ext3 or ext4 file system as extents of its disk, from its own bitmaps. A mounted file
 * system shows as it is in memory. A group whose bitmap cannot be believed is used entirely.
 *
 * Rejects with a `MapDoubt` where the map as a whole cannot be believed; with an EndpointFailure `USED_BLOCKS_UNKNOWN`
 * when there is no such file system (any more), or when it cannot be read; with the signal's reason.
 */
export async function freeOfExt(bytes: FileSystemBytes): Promise<FreeList> {
  const { device } = bytes.place;
  for (let attempt = 0; attempt < LAYOUT_ATTEMPTS; attempt += 1) {
    const superblock = await readSuperblock(bytes);
    if (!superblock.clean) believe(await isMountedWritable(device), 'it was left unclean, and is not in use');
    const free = await listFree(bytes, superblock);
    if (layoutOf(superblock) === layoutOf(await readSuperblock(bytes))) return free;
  }
  throw new MapDoubt('its layout changed whenever it was read');
}

async function listFree(bytes: FileSystemBytes, superblock: ExtSuperblock): Promise<FreeList> {
  const { blockBytes, clusterBlocks } = superblock;
  const free = new FreeList(bytes.place.startBytes);
  const groups = await ExtGroups.read(bytes, superblock);
  for (let group = 0; group < superblock.groups; group += 1) {
    if (group % GROUPS_AT_ONCE === 0) await setImmediate();
    const bitmap = await groups.bitmap(group);
    if (bitmap === null) continue;
    const { first, end } = groupRange(superblock, group);
    eachFreeRun(bitmap, groupClusters(superblock, group), (bit, count) => {
      const start = first + bit * clusterBlocks;
      const behind = Math.min(start + count * clusterBlocks, end);
      free.add(start * blockBytes, (behind - start) * blockBytes);
    });
  }
  return free;
}

async function readSuperblock(bytes: FileSystemBytes): Promise<ExtSuperblock> {
  for (let attempt = 0; attempt < SUPERBLOCK_ATTEMPTS; attempt += 1) {
    const block = await bytes.read(EXT_SUPERBLOCK_OFFSET_BYTES, EXT_SUPERBLOCK_BYTES);
    const superblock = parse(block, bytes.place.device);
    if (!fitsSuperblock(superblock.checksums, block)) continue;
    const { device, sizeBytes } = bytes.place;
    const fileSystemBytes = superblock.blocks * superblock.blockBytes;
    if (fileSystemBytes <= sizeBytes) return superblock;
    throw new OutgrownDoubt(`an ext of ${fileSystemBytes} bytes on ${device}, which has ${sizeBytes}`);
  }
  throw new MapDoubt('the checksum of the superblock does not fit');
}

function parse(block: Buffer, device: string): ExtSuperblock {
  try {
    return parseExtSuperblock(block);
  } catch (error) {
    if (error instanceof MapDoubt) throw error;
    throw new EndpointFailure('USED_BLOCKS_UNKNOWN', `${device}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Everything that says where bitmaps lie and what their bits mean; not whether the file system is in use. */
function layoutOf({ clean: _, ...layout }: ExtSuperblock): string {
  return JSON.stringify(layout);
}
