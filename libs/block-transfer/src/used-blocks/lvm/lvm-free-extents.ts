import { readFile } from 'node:fs/promises';
import type { ByteRange } from '#libs/contracts';
import { endOf } from '../../extents/byte-extents.js';
import { EndpointFailure } from '../../endpoint-failure.js';
import { deviceNumberOf } from '../device-number.js';
import { bufferOf, type FileSystemPlace } from '../file-system-bytes.js';
import { FreeList } from '../free-list.js';
import { believe, MapDoubt, OutgrownDoubt } from '../map-doubt.js';
import { readStill, readUnclaimed, type MapRequest, type StillFileSystem } from '../still-file-system.js';
import { runTool, toolOutput } from '../tool.runner.js';
import { onPhysicalVolume, piecesOf } from './lvm-mapping.js';
import { readLvmMetadata } from './lvm-metadata.js';
import type { LvmLogicalVolume, LvmVolumeGroup } from './lvm-volume-group.js';

const LOSETUP_TIMEOUT_MS = 30_000;

/** Volumes may be made, grown or removed while their maps are read; a group that never keeps still is a doubt. */
const GROUP_ATTEMPTS = 3;

/**
 * The free bytes of a physical volume of LVM as ranges of its disk: extents that belong to no logical volume, and what
 * the file systems in plain logical volumes call free. A volume in use is read through its mapped device, which is the
 * one whose page cache its mount uses; another one from the disk, which is claimed meanwhile.
 */
export async function lvmFreeExtents(place: FileSystemPlace, request: MapRequest): Promise<Iterable<ByteRange>> {
  for (let attempt = 0; attempt < GROUP_ATTEMPTS; attempt += 1) {
    const free = await freeUnlessChanged(place, request);
    if (free !== null) return free;
  }
  throw new MapDoubt('the volume group changed whenever its maps were read');
}

/** Null when the volume group changed meanwhile. */
async function freeUnlessChanged(place: FileSystemPlace, request: MapRequest): Promise<FreeList | null> {
  const { text, group } = await readUnclaimed(place, request, readLvmMetadata);
  const isUnchanged = async (): Promise<boolean> =>
    (await readUnclaimed(place, request, readLvmMetadata)).text === text;
  try {
    const free = await freeOfGroup(place, request, group);
    if (!(await isUnchanged())) return null;
    return free;
  } catch (error) {
    // A file system that has grown with its volume is larger than the volume was.
    const isUnreadable = error instanceof EndpointFailure && error.code === 'USED_BLOCKS_UNKNOWN';
    if ((isUnreadable || error instanceof OutgrownDoubt) && !(await isUnchanged())) return null;
    throw error;
  }
}

async function freeOfGroup(place: FileSystemPlace, request: MapRequest, group: LvmVolumeGroup): Promise<FreeList> {
  const free = new FreeList(place.startBytes);
  const add = (range: ByteRange): void => {
    believe(endOf(range) <= place.sizeBytes, `${place.device} is smaller than its volume group knows it`);
    free.add(range.offsetBytes, range.lengthBytes);
  };
  for (const { startBytes, lengthBytes } of group.unallocated) add({ offsetBytes: startBytes, lengthBytes });
  for (const volume of group.plainVolumes) {
    const isHere = volume.segments.some(({ stripes }) =>
      stripes.some(({ physicalVolume }) => physicalVolume === group.physicalVolume),
    );
    if (!isHere) continue;
    const inVolume = await request.doubting(`${group.name}/${volume.name}`, () =>
      freeInVolume(place, request, group, volume),
    );
    for (const range of onPhysicalVolume(inVolume, volume, group.physicalVolume)) add(range);
  }
  return free;
}

async function freeInVolume(
  place: FileSystemPlace,
  request: MapRequest,
  group: LvmVolumeGroup,
  volume: LvmLogicalVolume,
): Promise<Iterable<ByteRange>> {
  const device = `/dev/mapper/${dashed(group.name)}-${dashed(volume.name)}`;
  const number = await deviceNumberOf(device);
  if (number !== null) {
    const uuid = await readFile(`/sys/dev/block/${number}/dm/uuid`, 'utf8').catch(() => '');
    believe(uuid.trim() === `LVM-${group.id}${volume.id}`, `${device} is not the volume that it is called after`);
    return request.freeOn({ device, startBytes: 0, sizeBytes: volume.sizeBytes });
  }
  return readStill(place, { ...request, mountPoint: null }, async (physicalVolume, mount) => {
    believe(mount === null, `${place.device} is mounted and a physical volume of LVM`);
    const bytes = volumeBytes(physicalVolume, group, volume);
    return (await request.freeInBytes(bytes)) ?? freeThroughLoop(place, request, volume);
  });
}

/** A logical volume that the kernel has not mapped, put together from its physical volume. */
function volumeBytes(
  physicalVolume: StillFileSystem,
  group: LvmVolumeGroup,
  volume: LvmLogicalVolume,
): StillFileSystem {
  return {
    startBytes: 0,
    sizeBytes: volume.sizeBytes,
    read: async (offsetBytes, lengthBytes, room) => {
      believe(
        offsetBytes >= 0 && offsetBytes + lengthBytes <= volume.sizeBytes,
        `${volume.name} points beyond its end`,
      );
      const bytes = bufferOf(lengthBytes, room);
      let done = 0;
      for (const piece of piecesOf({ offsetBytes, lengthBytes }, volume)) {
        believe(piece.physicalVolume === group.physicalVolume, `${volume.name} is on several disks, and not in use`);
        const { offsetBytes: from, lengthBytes: count } = piece.range;
        (await physicalVolume.read(from, count, bytes.subarray(done, done + count))).copy(bytes, done);
        done += count;
      }
      return bytes;
    },
  };
}

/** For readers that need a device: a read-only loop device over a volume in one piece. It bypasses all caches below. */
async function freeThroughLoop(
  place: FileSystemPlace,
  request: MapRequest,
  volume: LvmLogicalVolume,
): Promise<Iterable<ByteRange>> {
  const [segment, ...others] = volume.segments;
  const stripe = segment?.stripes[0];
  believe(
    stripe !== undefined && others.length + (segment?.stripes.length ?? 0) === 1,
    'it is not in use, and in pieces',
  );
  const hasDevice = (await deviceNumberOf(place.device)) !== null;
  const offset = stripe.startBytes + (hasDevice ? 0 : place.startBytes);
  // Not ended by the signal: a device that nobody has heard of could not be taken away again.
  const options = { timeoutMs: LOSETUP_TIMEOUT_MS };
  const range = ['--offset', String(offset), '--sizelimit', String(volume.sizeBytes)];
  const below = hasDevice ? place.device : request.diskDevice;
  const args = ['--find', '--show', '--read-only', '--direct-io=on', ...range, below];
  const device = (await toolOutput('losetup', args, options))?.trim() ?? '';
  believe(device.startsWith('/dev/'), 'it is not in use, and no loop device can be made for it');
  try {
    request.signal?.throwIfAborted();
    return await request.freeOn({ device, startBytes: 0, sizeBytes: volume.sizeBytes });
  } finally {
    await runTool('losetup', ['--detach', device], { timeoutMs: LOSETUP_TIMEOUT_MS });
  }
}

/** In the name of a mapped device a single dash separates group and volume. */
function dashed(name: string): string {
  return name.replaceAll('-', '--');
}
