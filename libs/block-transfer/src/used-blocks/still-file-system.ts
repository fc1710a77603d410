import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import type { ByteRange } from '#libs/contracts';
import { EndpointFailure, reasonOf, systemErrorCode } from '../endpoint-failure.js';
import { openSourceDisk, type SourceDisk } from '../source/source-disk.js';
import { deviceNumberOf, isWithoutDevice } from './device-number.js';
import {
  bufferOf,
  readBuffered,
  type FileSystemBytes,
  type FileSystemPlace,
  type MapOptions,
} from './file-system-bytes.js';
import { believe, MapDoubt } from './map-doubt.js';
import { mountsOf, type DeviceMount } from './mounts-of.js';

/** A mounted file system that takes no writes until it is let go, or until `lost` aborts. */
export interface HeldStill {
  readonly lost: AbortSignal;
  /** Lets go. Never rejects. @returns whether it was held without a gap until now */
  release(): Promise<boolean>;
}

/** What the reader of a container needs to know of what is inside. All ranges count from the beginning of that. */
export interface InnerMaps {
  /** The free bytes of whatever file system a device holds; none where nobody can tell. */
  freeOn(place: FileSystemPlace): Promise<Iterable<ByteRange>>;
  /** The same of bytes without a device; null when their file system can be read only from one. */
  freeInBytes(fileSystem: StillFileSystem): Promise<Iterable<ByteRange> | null>;
  /** Runs the reader of one part of the container; none of it is free when it ends with a `MapDoubt`. */
  doubting(name: string, read: () => Promise<Iterable<ByteRange>>): Promise<Iterable<ByteRange>>;
}

/** How a map of this file system can be had. */
export interface MapRequest extends InnerMaps {
  readonly signal?: AbortSignal | undefined;
  /** The disk that the file system's device is part of; read instead where the system has made no device. */
  readonly diskDevice: string;
  /** Where the inventory saw the file system mounted. */
  readonly mountPoint: string | null;
  /** Freezes the file system that is mounted there; null when that cannot be, or must not be. */
  readonly holdStill?: ((mountPoint: string) => Promise<HeldStill | null>) | undefined;
  /** The file system at this mount point is held still already, and until the round has read the disk. */
  readonly isHeld?: ((mountPoint: string) => boolean) | undefined;
}

/** A file system's bytes, at rest. */
export interface StillFileSystem {
  /** Where it begins on its disk, or on the volume that it is in. */
  readonly startBytes: number;
  readonly sizeBytes: number;
  /**
   * The bytes from `offsetBytes` on, counted from the file system's beginning. Throws a `MapDoubt` beyond its end.
   * @param room as that of `FileSystemBytes`
   */
  read(offsetBytes: number, lengthBytes: number, room?: Buffer): Promise<Buffer>;
}

/** The mount of the file system through which it can be reached, or null when it is mounted nowhere in sight. */
export async function mountOf(place: FileSystemPlace, request: MapRequest): Promise<DeviceMount | null> {
  const number = await deviceNumberOf(place.device);
  if (number === null) return null;
  const mounts = await mountsOf(number, await readFile('/proc/self/mountinfo', 'utf8'), deviceNumberOf);
  if (mounts.length === 0) return null;
  const preferred = mounts.filter(({ mountPoint }) => mountPoint === request.mountPoint);
  for (const mount of [...preferred, ...mounts]) if (await isVisible(mount)) return mount;
  throw new MapDoubt(`${place.device} is mounted where other mounts hide it`);
}

/** Where a device is mounted, visible or not: to tell a mounted file system from one that is not. */
export async function anyMountPointOf(place: FileSystemPlace): Promise<string | null> {
  const number = await deviceNumberOf(place.device);
  if (number === null) return null;
  const [mount] = await mountsOf(number, await readFile('/proc/self/mountinfo', 'utf8'), deviceNumberOf);
  return mount?.mountPoint ?? null;
}

/** Whether the mount point leads to this mount, rather than to another one on top of it. */
async function isVisible(mount: DeviceMount): Promise<boolean> {
  const folder = await open(mount.mountPoint, constants.O_RDONLY | constants.O_DIRECTORY).catch(() => null);
  if (folder === null) return false;
  try {
    const facts = await readFile(`/proc/self/fdinfo/${folder.fd}`, 'utf8');
    return new RegExp(`^mnt_id:\\s*${mount.mountId}$`, 'm').test(facts);
  } finally {
    await folder.close();
  }
}

/**
 * Reads structures of a file system that nobody changes meanwhile: one that is mounted is held still, one that is not
 * is claimed, so that it cannot be mounted for that moment. All reads are direct: what xfs and btrfs write of their
 * metadata does not go through the page cache of the device, so a buffered read may be older than the last one.
 *
 * Throws a `MapDoubt` when the file system cannot be brought to rest, or did not stay there.
 */
export async function readStill<T>(
  place: FileSystemPlace,
  request: MapRequest,
  read: (fileSystem: StillFileSystem, mount: DeviceMount | null) => Promise<T>,
): Promise<T> {
  const mount = await mountOf(place, request);
  if (mount === null) return readFrom(place, request, { exclusive: true }, (source) => read(source, null));
  if (request.isHeld?.(mount.mountPoint) === true) {
    return readFrom(place, request, { exclusive: false }, (source) => read(source, mount));
  }
  const held = (await request.holdStill?.(mount.mountPoint)) ?? null;
  believe(held !== null, `what is mounted at ${mount.mountPoint} cannot be held still`);
  let result: T;
  let stayed: boolean;
  try {
    // What was frozen is what is at the mount point now; it has to be what was looked up before.
    const now = await mountOf(place, { ...request, mountPoint: mount.mountPoint });
    believe(now?.mountId === mount.mountId, `the mount at ${mount.mountPoint} changed`);
    result = await readFrom(place, request, { exclusive: false }, (source) => read(source, mount));
  } finally {
    stayed = await held.release();
  }
  believe(stayed, `what is mounted at ${mount.mountPoint} was let go before its map was read`);
  return result;
}

/**
 * Reads structures that somebody may change meanwhile, directly: of a container, whose reader looks at them twice.
 */
export function readUnclaimed<T>(
  place: FileSystemPlace,
  request: MapRequest,
  read: (container: StillFileSystem) => Promise<T>,
): Promise<T> {
  return readFrom(place, request, { exclusive: false }, read);
}

/**
 * Reads structures of a mounted file system through the page cache of its device, for file systems whose drivers write
 * through that cache: it shows them as they are in memory, at any time.
 */
export function readLive<T>(
  place: FileSystemPlace,
  options: MapOptions,
  read: (fileSystem: StillFileSystem) => Promise<T>,
): Promise<T> {
  const { startBytes, sizeBytes } = place;
  return readBuffered(place, options, (bytes) =>
    read({
      startBytes,
      sizeBytes,
      read: (offsetBytes, lengthBytes, room) => bytes.read(offsetBytes, lengthBytes, room),
    }),
  );
}

/**
 * The same for file systems that are read by their device. A partition without one cannot be mounted, and its disk is
 * read instead: directly, as the disk's page cache may be older than what was written through a partition that was.
 */
export async function readAsInMemory<T>(
  place: FileSystemPlace,
  request: MapRequest,
  read: (bytes: FileSystemBytes) => Promise<T>,
): Promise<T> {
  if (!(await isWithoutDevice(place.device))) return readBuffered(place, request, read);
  return readUnclaimed(place, request, (still) =>
    read({ place, read: (offsetBytes, lengthBytes, room) => still.read(offsetBytes, lengthBytes, room) }),
  );
}

async function readFrom<T>(
  place: FileSystemPlace,
  request: MapRequest,
  options: { exclusive: boolean },
  read: (fileSystem: StillFileSystem) => Promise<T>,
): Promise<T> {
  const opened = await openPlace(place, request, options);
  try {
    const { source, startBytes } = opened;
    const sizeBytes = Math.min(place.sizeBytes, source.sizeBytes - startBytes);
    return await read({
      startBytes: place.startBytes,
      sizeBytes,
      read: async (offsetBytes, lengthBytes, room) => {
        request.signal?.throwIfAborted();
        believe(
          offsetBytes >= 0 && offsetBytes + lengthBytes <= sizeBytes,
          `${place.device} points to byte ${offsetBytes} of its ${sizeBytes}`,
        );
        const bytes = bufferOf(lengthBytes, room);
        await source.read(bytes, startBytes + offsetBytes);
        return bytes;
      },
    });
  } catch (error) {
    if (error instanceof EndpointFailure) {
      throw new EndpointFailure('USED_BLOCKS_UNKNOWN', error.detail, { cause: error });
    }
    throw error;
  } finally {
    await opened.source.close();
  }
}

async function openPlace(
  place: FileSystemPlace,
  request: MapRequest,
  options: { exclusive: boolean },
): Promise<{ source: SourceDisk; startBytes: number }> {
  try {
    const hasDevice = (await deviceNumberOf(place.device)) !== null;
    return hasDevice
      ? { source: await openSourceDisk(place.device, options), startBytes: 0 }
      : { source: await openSourceDisk(request.diskDevice, options), startBytes: place.startBytes };
  } catch (error) {
    if (error instanceof EndpointFailure && systemErrorCode(error.cause) === 'EBUSY') {
      throw new MapDoubt(`${place.device} is in use by something other than a mount`, { cause: error });
    }
    throw new EndpointFailure('USED_BLOCKS_UNKNOWN', `${place.device}: ${reasonOf(error)}`, { cause: error });
  }
}
