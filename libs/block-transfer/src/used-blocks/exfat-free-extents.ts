import { setImmediate } from 'node:timers/promises';
import { areUsed, eachFreeRun, markUsed } from './bitmap-runs.js';
import {
  EXFAT_BOOT_BYTES,
  EXFAT_BOOT_SECTORS,
  FIRST_EXFAT_CLUSTER,
  fitsBootRegion,
  parseExfatBoot,
  type ExfatLayout,
} from './exfat-boot.parser.js';
import type { FileSystemBytes } from './file-system-bytes.js';
import { FreeList } from './free-list.js';
import { believe } from './map-doubt.js';
import { isMountedWritable } from './mounted-writable.js';

const END_OF_CHAIN = 0xffffffff;
const BAD_CLUSTER = 0xfffffff7;
const DIRECTORY_ENTRY_BYTES = 32;
const EntryType = { END: 0x00, BITMAP: 0x81 } as const;
/** The bitmap's entry is among the first ones; what is behind this much of the root directory is not looked at. */
const MAX_ROOT_BYTES = 1024 * 1024;
/** Entries of the table, and bits of the bitmap, that are gone through at once. */
const CLUSTERS_AT_ONCE = 64 * 1024;

/**
 * The free clusters of an exFAT file system as extents of its disk, from its allocation bitmap. Clusters that the table
 * marks as bad are used, and so is everything outside of the clusters. None are free when anything does not fit, and
 * when it was left unclean and is not in use. Rejects like `freeOfExt`.
 */
export async function freeOfExfat(bytes: FileSystemBytes): Promise<FreeList> {
  const layout = parseExfatBoot(await bytes.read(0, EXFAT_BOOT_BYTES), bytes.place.sizeBytes);
  const region = await bytes.read(0, EXFAT_BOOT_SECTORS * layout.sectorBytes);
  believe(fitsBootRegion(region, layout.sectorBytes), 'the checksum of its boot region does not fit');
  if (!layout.clean) believe(await isMountedWritable(bytes.place.device), 'it was left unclean, and is not in use');
  const free = await listFree(bytes, layout, await findBitmap(bytes, layout));
  const again = parseExfatBoot(await bytes.read(0, EXFAT_BOOT_BYTES), bytes.place.sizeBytes);
  believe(layoutOf(again) === layoutOf(layout), 'its layout changed while it was read');
  return free;
}

interface BitmapPlace {
  readonly firstCluster: number;
  readonly clusters: number;
}

/** The one entry of the root directory that says where the allocation bitmap lies. */
async function findBitmap(bytes: FileSystemBytes, layout: ExfatLayout): Promise<BitmapPlace> {
  const bitmapBytes = Math.ceil(layout.clusters / 8);
  const clusters = Math.ceil(bitmapBytes / layout.clusterBytes);
  let found: BitmapPlace | null = null;
  let cluster = layout.rootCluster;
  for (let read = 0; read < MAX_ROOT_BYTES && cluster !== END_OF_CHAIN; read += layout.clusterBytes) {
    const piece = await bytes.read(clusterOffset(layout, cluster), Math.min(layout.clusterBytes, MAX_ROOT_BYTES));
    for (let offset = 0; offset < piece.length; offset += DIRECTORY_ENTRY_BYTES) {
      const type = piece.readUInt8(offset);
      if (type === EntryType.END) return believeBitmap(bytes, layout, found);
      if (type !== EntryType.BITMAP) continue;
      believe(found === null && piece.readUInt8(offset + 1) === 0, 'more than one allocation bitmap');
      const length = piece.readUInt32LE(offset + 24) + piece.readUInt32LE(offset + 28) * 2 ** 32;
      believe(length === bitmapBytes, `an allocation bitmap of ${length} bytes`);
      found = { firstCluster: piece.readUInt32LE(offset + 20), clusters };
    }
    cluster = await tableEntry(bytes, layout, cluster);
  }
  return believeBitmap(bytes, layout, found);
}

/** The bitmap's clusters follow each other by the table, and on the disk: Linux relies on the one, Windows on the other. */
async function believeBitmap(
  bytes: FileSystemBytes,
  layout: ExfatLayout,
  place: BitmapPlace | null,
): Promise<BitmapPlace> {
  believe(place !== null, 'no allocation bitmap');
  for (let index = 0; index < place.clusters; index += 1) {
    const cluster = place.firstCluster + index;
    const isLast = index === place.clusters - 1;
    const next = await tableEntry(bytes, layout, cluster);
    believe(next === (isLast ? END_OF_CHAIN : cluster + 1), 'an allocation bitmap in pieces');
  }
  return place;
}

async function listFree(bytes: FileSystemBytes, layout: ExfatLayout, place: BitmapPlace): Promise<FreeList> {
  const free = new FreeList(bytes.place.startBytes);
  const rooms = { bitmap: Buffer.alloc(CLUSTERS_AT_ONCE / 8), table: Buffer.alloc(CLUSTERS_AT_ONCE * 4) };
  const known = [
    { first: place.firstCluster - FIRST_EXFAT_CLUSTER, end: place.firstCluster - FIRST_EXFAT_CLUSTER + place.clusters },
    { first: layout.rootCluster - FIRST_EXFAT_CLUSTER, end: layout.rootCluster - FIRST_EXFAT_CLUSTER + 1 },
  ];
  for (let first = 0; first < layout.clusters; first += CLUSTERS_AT_ONCE) {
    const count = Math.min(CLUSTERS_AT_ONCE, layout.clusters - first);
    const bitmap = await bytes.read(
      clusterOffset(layout, place.firstCluster) + first / 8,
      Math.ceil(count / 8),
      rooms.bitmap,
    );
    for (const { first: from, end } of known) {
      const isUsed = areUsed(bitmap, Math.max(from - first, 0), Math.min(end - first, count));
      believe(isUsed, 'the root directory or the bitmap itself is called free');
    }
    const entries = await bytes.read(tableOffset(layout, first + FIRST_EXFAT_CLUSTER), count * 4, rooms.table);
    for (let index = 0; index < count; index += 1) {
      if (entries.readUInt32LE(index * 4) === BAD_CLUSTER) markUsed(bitmap, index, index + 1);
    }
    eachFreeRun(bitmap, count, (bit, length) => {
      free.add(layout.clustersStartBytes + (first + bit) * layout.clusterBytes, length * layout.clusterBytes);
    });
    await setImmediate();
  }
  return free;
}

async function tableEntry(bytes: FileSystemBytes, layout: ExfatLayout, cluster: number): Promise<number> {
  clusterOffset(layout, cluster);
  return (await bytes.read(tableOffset(layout, cluster), 4)).readUInt32LE(0);
}

function tableOffset({ tableStartBytes }: ExfatLayout, cluster: number): number {
  return tableStartBytes + cluster * 4;
}

/** Throws a `MapDoubt` when there is no such cluster. */
function clusterOffset({ clusters, clustersStartBytes, clusterBytes }: ExfatLayout, cluster: number): number {
  const index = cluster - FIRST_EXFAT_CLUSTER;
  believe(index >= 0 && index < clusters, `cluster ${cluster}`);
  return clustersStartBytes + index * clusterBytes;
}

function layoutOf({ clean: _, ...layout }: ExfatLayout): string {
  return JSON.stringify(layout);
}
