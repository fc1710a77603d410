import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteRange } from '#libs/contracts';
import { EndpointFailure, reasonOf } from '../endpoint-failure.js';
import { endOf, invertExtents, mergeExtents } from '../extents/byte-extents.js';
import { parseDomainMap } from './domain-map.parser.js';
import {
  EXT_SUPERBLOCK_BYTES,
  EXT_SUPERBLOCK_OFFSET_BYTES,
  parseExtSuperblock,
  type ExtSuperblock,
} from './ext-superblock.parser.js';
import { runTool } from './tool.runner.js';

const MAP_TIMEOUT_MS = 10 * 60_000;
/** A bitmap that is changed while it is read has a wrong checksum for a moment: a live file system may need a second look. */
const MAP_ATTEMPTS = 3;
/** Boot code may live before the superblock, where block maps with 1 KiB blocks do not look. */
const ALWAYS_USED_HEAD: ByteRange = {
  offsetBytes: 0,
  lengthBytes: EXT_SUPERBLOCK_OFFSET_BYTES + EXT_SUPERBLOCK_BYTES,
};

/** Where a file system lies: the device that holds just it, and its place on the disk. */
export interface FileSystemPlace {
  readonly device: string;
  readonly startBytes: number;
  readonly sizeBytes: number;
}

/**
 * The free blocks of an ext2, ext3 or ext4 file system as extents of its disk: partclone reads the bitmaps, through the
 * page cache of the same device that a mount uses, and so sees a mounted file system as it is in memory.
 * An empty list where the map cannot be believed. Rejects with an EndpointFailure `USED_BLOCKS_UNKNOWN`.
 */
export async function extFreeExtents(
  place: FileSystemPlace,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<ByteRange[]> {
  const superblock = await readSuperblock(place.device);
  if (superblock.doubt !== null) return [];
  if (superblock.fileSystemBytes > place.sizeBytes) {
    throw new EndpointFailure(
      'USED_BLOCKS_UNKNOWN',
      `the file system on ${place.device} has ${superblock.fileSystemBytes} bytes, its partition ${place.sizeBytes}`,
    );
  }
  const text = await domainMapText(place.device, options.signal);
  return freeWithin(place, superblock, text);
}

/** Pure part of {@link extFreeExtents}: the map's free extents, checked against the file system's bounds. */
export function freeWithin(place: FileSystemPlace, superblock: ExtSuperblock, text: string): ByteRange[] {
  let map;
  try {
    map = parseDomainMap(text, place.startBytes);
  } catch (error) {
    throw new EndpointFailure('USED_BLOCKS_UNKNOWN', `${place.device}: ${reasonOf(error)}`, { cause: error });
  }
  const limit = place.startBytes + superblock.fileSystemBytes;
  const last = mergeExtents([...map.used, ...map.free]).at(-1);
  if (last === undefined || endOf(last) > limit) {
    throw new EndpointFailure('USED_BLOCKS_UNKNOWN', `the map of ${place.device} reaches beyond its file system`);
  }
  const head = { ...ALWAYS_USED_HEAD, offsetBytes: place.startBytes };
  return invertExtents(mergeExtents([head, ...invertExtents(map.free, limit)]), limit);
}

async function readSuperblock(device: string): Promise<ExtSuperblock> {
  const bytes = Buffer.alloc(EXT_SUPERBLOCK_BYTES);
  try {
    const file = await open(device, 'r');
    try {
      await file.read(bytes, 0, bytes.length, EXT_SUPERBLOCK_OFFSET_BYTES);
    } finally {
      await file.close();
    }
    return parseExtSuperblock(bytes);
  } catch (error) {
    throw new EndpointFailure('USED_BLOCKS_UNKNOWN', `${device}: ${reasonOf(error)}`, { cause: error });
  }
}

async function domainMapText(device: string, signal: AbortSignal | undefined): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'landfall-map-'));
  const mapPath = join(folder, 'domain');
  // -D domain map, -q no progress display, -F although mounted, -L log, -s source, -O output
  const args = ['-D', '-q', '-F', '-L', '/dev/null', '-s', device, '-O', mapPath];
  try {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await runTool('partclone.extfs', args, { timeoutMs: MAP_TIMEOUT_MS, signal });
        return await readFile(mapPath, 'utf8');
      } catch (error) {
        if (attempt === MAP_ATTEMPTS || !(error instanceof EndpointFailure)) throw error;
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
