import { open, type FileHandle } from 'node:fs/promises';
import { EndpointFailure, reasonOf } from '../endpoint-failure.js';
import { believe } from './map-doubt.js';

/** Where a file system lies: the device that holds just it, and its place on the disk. */
export interface FileSystemPlace {
  readonly device: string;
  readonly startBytes: number;
  readonly sizeBytes: number;
}

export interface MapOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Structures are read in pieces of at most this size. */
export const READ_WINDOW_BYTES = 1024 * 1024;

/** The bytes of one file system. */
export interface FileSystemBytes {
  readonly place: FileSystemPlace;
  /**
   * @param offsetBytes from the beginning of the file system
   * @param room where to put it, if that is long enough; else it is a new buffer. For what reads one piece after the
   *   other: what is left behind is not collected before there are tens of megabytes of it.
   * Rejects with a `MapDoubt` when that is not inside its partition, with an EndpointFailure `USED_BLOCKS_UNKNOWN` when
   * it cannot be read, and with the signal's reason.
   */
  read(offsetBytes: number, lengthBytes: number, room?: Buffer): Promise<Buffer>;
}

/**
 * Reads a file system's structures from its own device, *buffered*: a mounted file system changes its bitmaps and
 * tables in the page cache of that very device and writes them later, some of them long after they are in its journal.
 * A read with O_DIRECT, or of the whole disk (which has a cache of its own), would show what they were.
 */
class DeviceBytes implements FileSystemBytes {
  constructor(
    readonly place: FileSystemPlace,
    private readonly file: FileHandle,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async read(offsetBytes: number, lengthBytes: number, room?: Buffer): Promise<Buffer> {
    const end = offsetBytes + lengthBytes;
    const { device, sizeBytes } = this.place;
    const inside = Number.isSafeInteger(offsetBytes) && offsetBytes >= 0 && end <= sizeBytes;
    believe(inside, `${lengthBytes} bytes at ${offsetBytes} are not inside of ${device}`);
    const bytes = bufferOf(lengthBytes, room);
    for (let done = 0; done < lengthBytes;) {
      this.signal?.throwIfAborted();
      const { bytesRead } = await this.file
        .read(bytes, done, lengthBytes - done, offsetBytes + done)
        .catch((error: unknown) => {
          throw unreadable(device, error);
        });
      if (bytesRead === 0) throw unreadable(device, new Error(`it ends at ${offsetBytes + done}`));
      done += bytesRead;
    }
    return bytes;
  }
}

/**
 * Reads structures through the page cache of a file system's device.
 * Rejects as `read` does, with an EndpointFailure `USED_BLOCKS_UNKNOWN` when the device cannot be opened, or with the
 * signal's reason.
 */
export async function readBuffered<T>(
  place: FileSystemPlace,
  { signal }: MapOptions,
  read: (bytes: FileSystemBytes) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const file = await open(place.device, 'r').catch((error: unknown) => {
    throw unreadable(place.device, error);
  });
  try {
    return await read(new DeviceBytes(place, file, signal));
  } finally {
    await file.close();
  }
}

/** The beginning of `room` if that is long enough, else a buffer of its own. */
export function bufferOf(lengthBytes: number, room?: Buffer): Buffer {
  return room !== undefined && room.length >= lengthBytes ? room.subarray(0, lengthBytes) : Buffer.alloc(lengthBytes);
}

function unreadable(device: string, error: unknown): EndpointFailure {
  return new EndpointFailure('USED_BLOCKS_UNKNOWN', `${device}: ${reasonOf(error)}`, { cause: error });
}
