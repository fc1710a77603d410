import { setImmediate } from 'node:timers/promises';
import type { ByteRange } from '#libs/contracts';
import { areUsed, eachFreeRun } from '../bitmap-runs.js';
import { bufferOf, type FileSystemPlace } from '../file-system-bytes.js';
import { FreeList } from '../free-list.js';
import { believe } from '../map-doubt.js';
import type { DeviceMount } from '../mounts-of.js';
import { mountOf, readLive, readStill, type MapRequest, type StillFileSystem } from '../still-file-system.js';
import { NTFS_BOOT_BYTES, parseNtfsBoot, type NtfsGeometry } from './ntfs-boot.parser.js';
import { isNtfsLogClean, NTFS_RESTART_AREA_BYTES } from './ntfs-log.js';
import {
  NTFS_DATA,
  NTFS_VOLUME_INFORMATION,
  parseNtfsRecord,
  type NtfsAttribute,
  type NtfsRun,
} from './ntfs-record.parser.js';

/** Numbers of records in the master file table. */
const TABLE = 0;
const LOG = 2;
const VOLUME = 3;
const BITMAP = 6;
/** Bits of the bitmap that are gone through at once. */
const CLUSTERS_AT_ONCE = 2 * 1024 * 1024;
const VolumeFlag = {
  DIRTY: 0x0001,
  /** A check has changed it, which is of no concern. */
  MODIFIED_BY_CHECK: 0x8000,
} as const;

/**
 * The free clusters of an ntfs as ranges of its disk, from the file `$Bitmap`. The copy of the boot sector behind the
 * last cluster is in none, and so counts as used.
 *
 * A mounted ntfs is read through the page cache of its device, which is what its drivers write through; a cluster is
 * marked there before a file points to it. A volume that was not left in order (dirty, hibernated, to be started fast)
 * may have more in use than it says: a `MapDoubt`. One that ntfs3 has in hand calls itself dirty from any change to the
 * next sync, and it takes none in hand that was dirty before, unless it is forced to.
 */
export async function ntfsFreeExtents(place: FileSystemPlace, request: MapRequest): Promise<Iterable<ByteRange>> {
  const mount = await mountOf(place, request);
  return mount === null
    ? readStill(place, request, (fileSystem) => ntfsFreeWhileStill(fileSystem))
    : readLive(place, request, (fileSystem) => ntfsFreeWhileStill(fileSystem, isDirtyByUse(mount)));
}

/** Whether a volume that is mounted so may be dirty for no other reason than that. */
export function isDirtyByUse({ type, readOnly, options }: Pick<DeviceMount, 'type' | 'readOnly' | 'options'>): boolean {
  return type === 'ntfs3' && !readOnly && !options.includes('force');
}

/**
 * The free clusters as ranges of the disk. Throws a `MapDoubt`.
 * @param mayBeDirty see {@link isDirtyByUse}
 */
export async function ntfsFreeWhileStill(fileSystem: StillFileSystem, mayBeDirty = false): Promise<FreeList> {
  const geometry = parseNtfsBoot(await fileSystem.read(0, NTFS_BOOT_BYTES));
  const { clusterBytes, clusters } = geometry;
  believe(clusters * clusterBytes <= fileSystem.sizeBytes, 'ntfs is larger than what it is on');
  const table = runsOf(
    await readRecord(fileSystem, geometry, [{ cluster: geometry.tableCluster, clusters: 1 }], TABLE),
  );
  await assertInOrder(fileSystem, geometry, table.runs, mayBeDirty);
  const bitmap = runsOf(await readRecord(fileSystem, geometry, table.runs, BITMAP));
  believe(bitmap.sizeBytes * 8 >= clusters, 'the bitmap of ntfs is too short');
  return freeClusters(fileSystem, geometry, bitmap.runs, [{ cluster: 0, clusters: 1 }, ...table.runs, ...bitmap.runs]);
}

async function assertInOrder(
  fileSystem: StillFileSystem,
  geometry: NtfsGeometry,
  table: readonly NtfsRun[],
  mayBeDirty: boolean,
): Promise<void> {
  const volume = (await readRecord(fileSystem, geometry, table, VOLUME)).find(
    ({ type }) => type === NTFS_VOLUME_INFORMATION,
  );
  believe(volume?.isResident === true && volume.value.length >= 12, 'ntfs does not say in what state it is');
  const version = volume.value.readUInt8(8);
  believe(version === 3 || version === 1, `ntfs version ${version} is not known`);
  const harmless = VolumeFlag.MODIFIED_BY_CHECK | (mayBeDirty ? VolumeFlag.DIRTY : 0);
  const flags = volume.value.readUInt16LE(10) & ~harmless;
  believe(flags === 0, `ntfs was not left in order (flags 0x${flags.toString(16)})`);
  const log = runsOf(await readRecord(fileSystem, geometry, table, LOG));
  believe(log.sizeBytes >= NTFS_RESTART_AREA_BYTES, 'ntfs has no log');
  const restart = await readRuns(fileSystem, geometry, log.runs, 0, NTFS_RESTART_AREA_BYTES);
  believe(isNtfsLogClean(restart), 'ntfs is hibernated, will be started fast, or was not unmounted');
}

async function readRecord(
  fileSystem: StillFileSystem,
  geometry: NtfsGeometry,
  table: readonly NtfsRun[],
  record: number,
): Promise<NtfsAttribute[]> {
  const { recordBytes, clusterBytes } = geometry;
  // The first record says where the others are, and may be larger than a cluster.
  const runs =
    record === TABLE ? [{ cluster: geometry.tableCluster, clusters: Math.ceil(recordBytes / clusterBytes) }] : table;
  return parseNtfsRecord(await readRuns(fileSystem, geometry, runs, record * recordBytes, recordBytes));
}

function runsOf(attributes: readonly NtfsAttribute[]): { runs: readonly NtfsRun[]; sizeBytes: number } {
  const data = attributes.filter(({ type }) => type === NTFS_DATA);
  const [only] = data;
  believe(data.length === 1 && only?.isResident === false, 'a file of ntfs itself has no content of its own');
  return only;
}

/** Bytes of a file, given where its clusters are. */
async function readRuns(
  fileSystem: StillFileSystem,
  { clusterBytes, clusters: total }: NtfsGeometry,
  runs: readonly NtfsRun[],
  offsetBytes: number,
  lengthBytes: number,
  room?: Buffer,
): Promise<Buffer> {
  const bytes = bufferOf(lengthBytes, room);
  let done = 0;
  let before = 0;
  for (const { cluster, clusters } of runs) {
    believe(cluster + clusters <= total, 'a file of ntfs is outside of its volume');
    const from = Math.max(offsetBytes - before, 0);
    const to = Math.min(offsetBytes + lengthBytes - before, clusters * clusterBytes);
    before += clusters * clusterBytes;
    if (from >= to) continue;
    const part = bytes.subarray(done, done + to - from);
    (await fileSystem.read(cluster * clusterBytes + from, to - from, part)).copy(part);
    done += to - from;
  }
  believe(done === lengthBytes, 'a file of ntfs is shorter than it says');
  return bytes;
}

async function freeClusters(
  fileSystem: StillFileSystem,
  geometry: NtfsGeometry,
  bitmap: readonly NtfsRun[],
  own: readonly NtfsRun[],
): Promise<FreeList> {
  const { clusterBytes } = geometry;
  const free = new FreeList(fileSystem.startBytes);
  const room = Buffer.alloc(CLUSTERS_AT_ONCE / 8);
  for (let first = 0; first < geometry.clusters; first += CLUSTERS_AT_ONCE) {
    const count = Math.min(CLUSTERS_AT_ONCE, geometry.clusters - first);
    const bytes = await readRuns(fileSystem, geometry, bitmap, first / 8, Math.ceil(count / 8), room);
    // What the map itself was read from is in use, or the map is not what it seems.
    for (const { cluster, clusters } of own) {
      const isUsed = areUsed(bytes, Math.max(cluster - first, 0), Math.min(cluster + clusters - first, count));
      believe(isUsed, 'the bitmap of ntfs calls its own files free');
    }
    eachFreeRun(bytes, count, (bit, clusters) => free.add((first + bit) * clusterBytes, clusters * clusterBytes));
    await setImmediate();
  }
  return free;
}
