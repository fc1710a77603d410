import { setImmediate } from 'node:timers/promises';
import { FAT_BOOT_BYTES, FIRST_FAT_CLUSTER, parseFatBoot, type FatLayout } from './fat-boot.parser.js';
import { fatEntry, isMarkedClean, isTableBeginning } from './fat-table.js';
import type { FileSystemBytes } from './file-system-bytes.js';
import { FreeList } from './free-list.js';
import { believe } from './map-doubt.js';
import { isMountedWritable } from './mounted-writable.js';

/** Entries of a table that are read at once: a multiple of two, as two entries of FAT12 share three bytes. */
const ENTRIES_AT_ONCE = 64 * 1024;

/**
 * The free clusters of a FAT12, FAT16 or FAT32 file system as extents of its disk. A cluster is free when every copy of
 * the table says so: only 0 is free, so clusters that are marked bad are used, and so is everything outside of the
 * clusters. Where a copy lags behind, what it calls used is used.
 *
 * None are free when the file system was left unclean and is not in use: a file may begin in a cluster whose entry was
 * not written any more. Rejects like `freeOfExt`.
 */
export async function freeOfFat(bytes: FileSystemBytes): Promise<FreeList> {
  const boot = await bytes.read(0, FAT_BOOT_BYTES);
  const layout = parseFatBoot(boot, bytes.place.sizeBytes);
  const free = await listFree(bytes, layout);
  const again = parseFatBoot(await bytes.read(0, FAT_BOOT_BYTES), bytes.place.sizeBytes);
  believe(layoutOf(again) === layoutOf(layout), 'its layout changed while it was read');
  return free;
}

async function listFree(bytes: FileSystemBytes, layout: FatLayout): Promise<FreeList> {
  const { clusters, clusterBytes, clustersStartBytes, entryBits, rootCluster, tables } = layout;
  const entries = clusters + FIRST_FAT_CLUSTER;
  const free = new FreeList(bytes.place.startBytes);
  const rooms = Array.from({ length: tables }, () => Buffer.alloc((ENTRIES_AT_ONCE * entryBits) / 8));
  for (let first = 0; first < entries; first += ENTRIES_AT_ONCE) {
    const count = Math.min(ENTRIES_AT_ONCE, entries - first);
    const pieces = await tablePieces(bytes, layout, first, count, rooms);
    if (first === 0) await believeTables(bytes, layout, pieces);
    for (let index = first === 0 ? FIRST_FAT_CLUSTER : 0; index < count; index += 1) {
      if (pieces.some((piece) => fatEntry(piece, entryBits, index) !== 0)) continue;
      const cluster = first + index;
      believe(cluster !== rootCluster, 'the root directory is called free');
      free.add(clustersStartBytes + (cluster - FIRST_FAT_CLUSTER) * clusterBytes, clusterBytes);
    }
    await setImmediate();
  }
  return free;
}

async function believeTables(bytes: FileSystemBytes, layout: FatLayout, beginnings: readonly Buffer[]): Promise<void> {
  believe(
    beginnings.every((piece) => isTableBeginning(piece, layout)),
    'a table begins strangely',
  );
  const clean = layout.clean && beginnings.every((piece) => isMarkedClean(piece, layout.entryBits));
  believe(clean || (await isMountedWritable(bytes.place.device)), 'it was left unclean, and is not in use');
}

/** The same entries of each copy of the table. */
async function tablePieces(
  bytes: FileSystemBytes,
  layout: FatLayout,
  first: number,
  count: number,
  rooms: readonly Buffer[],
): Promise<Buffer[]> {
  const { entryBits, firstTableBytes, tableBytes } = layout;
  const offset = (first * entryBits) / 8;
  const length = Math.min(Math.ceil((count * entryBits) / 8), tableBytes - offset);
  const pieces: Buffer[] = [];
  for (const [table, room] of rooms.entries()) {
    pieces.push(await bytes.read(firstTableBytes + table * tableBytes + offset, length, room));
  }
  return pieces;
}

function layoutOf({ clean: _, ...layout }: FatLayout): string {
  return JSON.stringify(layout);
}
