import { constants } from 'node:fs';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { EndpointFailure, reasonOf, systemErrorCode } from '../endpoint-failure.js';
import { Pool } from '../pool.js';
import { alignedBuffer, DIRECT_ALIGNMENT_BYTES, isAligned } from './aligned-buffer.js';

/** The source of a round: a whole disk, read at any offset. Reads may overlap in time. */
export interface SourceDisk {
  readonly sizeBytes: number;
  /** Fills `target`. Rejects with an EndpointFailure `SOURCE_READ_FAILED`, or `SOURCE_DISK_CHANGED` at an early end. */
  read(target: Uint8Array, offsetBytes: number): Promise<void>;
  close(): Promise<void>;
}

const BOUNCE_BYTES = 1024 * 1024;
/** For all disks of the process, as aligned memory is given back late: as many as there are disks worked on at a time. */
const bounces = new Pool<{ bytes: Uint8Array | null }>([{ bytes: null }, { bytes: null }]);
/** The kernel counts the size of a block device in these, whatever its sectors are. */
export const KERNEL_SECTOR_BYTES = 512;
/** Errors that say the device is not there (any more), as against: it cannot be read. */
const GONE = new Set(['ENOENT', 'ENXIO', 'ENODEV', 'ENOMEDIUM']);

/**
 * Opens a block device or a disk image for reading.
 *
 * Block devices are read with O_DIRECT, always: a whole disk and its partitions have page caches of their own, so a
 * buffered read of `/dev/sda` may return pages from before a write that went through the file system on `/dev/sda1`.
 * It also keeps a sweep over the disk from pushing the machine's own files out of memory. Regular files fall back to
 * buffered reads when their file system refuses O_DIRECT (there is only one cache for those).
 *
 * `exclusive` claims a block device: it cannot be mounted until it is closed, and opening fails with the cause `EBUSY`
 * when it is mounted, or part of something (a mapped device, swap) already.
 *
 * Rejects with an EndpointFailure `SOURCE_DISK_CHANGED` when there is no such device, else `SOURCE_READ_FAILED`.
 */
export async function openSourceDisk(device: string, options: { exclusive?: boolean } = {}): Promise<SourceDisk> {
  try {
    return await openDisk(device, options.exclusive === true ? constants.O_EXCL : 0);
  } catch (error) {
    throw readFailure(device, 0, error);
  }
}

async function openDisk(device: string, claim: number): Promise<SourceDisk> {
  const direct = await open(device, constants.O_RDONLY | constants.O_DIRECT | claim).catch((error: unknown) => {
    if (systemErrorCode(error) === 'EINVAL') return null;
    throw error;
  });
  if (direct !== null) {
    const opened = await probe(device, direct).catch(async (error: unknown) => {
      await direct.close();
      throw error;
    });
    if (opened !== null) return opened;
  }
  const buffered = await open(device, 'r');
  const status = await buffered.stat();
  if (!status.isFile()) {
    await buffered.close();
    throw new Error('the device refuses O_DIRECT, and buffered reads of a device may be stale');
  }
  return new BufferedDisk(device, buffered, status.size);
}

/** Some file systems take the flag and then refuse the first read. Null: closed, to be opened without the flag. */
async function probe(device: string, file: FileHandle): Promise<SourceDisk | null> {
  const status = await file.stat();
  if (!status.isFile() && !status.isBlockDevice()) throw new Error('neither a block device nor a regular file');
  const sizeBytes = status.isBlockDevice() ? await blockDeviceBytes(status.rdev) : status.size;
  const disk = new DirectDisk(device, file, sizeBytes);
  if (status.isBlockDevice() || sizeBytes === 0) return disk;
  try {
    await disk.read(new Uint8Array(1), 0);
    return disk;
  } catch (error) {
    if (!(error instanceof EndpointFailure) || systemErrorCode(error.cause) !== 'EINVAL') throw error;
    await file.close();
    return null;
  }
}

/** Size by sysfs: seeking to the end, the usual way, is not offered by Node. */
async function blockDeviceBytes(rdev: number): Promise<number> {
  const { major, minor } = deviceNumbers(rdev);
  const text = await readFile(`/sys/dev/block/${major}:${minor}/size`, 'utf8');
  const sizeBytes = Number(text.trim()) * KERNEL_SECTOR_BYTES;
  if (!Number.isSafeInteger(sizeBytes)) throw new Error(`the kernel states no size for device ${major}:${minor}`);
  return sizeBytes;
}

/** glibc's packing: twelve bits of the major number above eight of the minor, the rest of both further up. */
export function deviceNumbers(rdev: number): { major: number; minor: number } {
  const packed = BigInt(rdev);
  return {
    major: Number(((packed >> 8n) & 0xfffn) | ((packed >> 32n) & ~0xfffn)),
    minor: Number((packed & 0xffn) | ((packed >> 12n) & 0xffffff00n)),
  };
}

class BufferedDisk implements SourceDisk {
  constructor(
    private readonly device: string,
    private readonly file: FileHandle,
    readonly sizeBytes: number,
  ) {}

  async read(target: Uint8Array, offsetBytes: number): Promise<void> {
    await readExactly(this.device, this.file, target, target.length, offsetBytes);
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

class DirectDisk implements SourceDisk {
  constructor(
    private readonly device: string,
    private readonly file: FileHandle,
    readonly sizeBytes: number,
  ) {}

  async read(target: Uint8Array, offsetBytes: number): Promise<void> {
    const head = target.subarray(0, target.length - (target.length % DIRECT_ALIGNMENT_BYTES));
    const isDirect = head.length > 0 && isAligned(head) && offsetBytes % DIRECT_ALIGNMENT_BYTES === 0;
    if (isDirect) await readExactly(this.device, this.file, head, head.length, offsetBytes);
    const done = isDirect ? head.length : 0;
    if (done === target.length) return;
    const bounce = await bounces.take();
    try {
      bounce.bytes ??= alignedBuffer(BOUNCE_BYTES);
      await this.readThrough(bounce.bytes, target.subarray(done), offsetBytes + done);
    } finally {
      bounces.give(bounce);
    }
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  /** Such reads are rare and short: a disk's odd tail, a structure of a file system. */
  private async readThrough(bounce: Uint8Array, target: Uint8Array, offsetBytes: number): Promise<void> {
    let filled = 0;
    while (filled < target.length) {
      const position = offsetBytes + filled;
      const start = Math.floor(position / DIRECT_ALIGNMENT_BYTES) * DIRECT_ALIGNMENT_BYTES;
      const skip = position - start;
      const wanted = Math.min(target.length - filled, BOUNCE_BYTES - skip);
      const span = Math.ceil((skip + wanted) / DIRECT_ALIGNMENT_BYTES) * DIRECT_ALIGNMENT_BYTES;
      await readExactly(this.device, this.file, bounce.subarray(0, span), skip + wanted, start);
      target.set(bounce.subarray(skip, skip + wanted), filled);
      filled += wanted;
    }
  }
}

/** Reads until at least `neededBytes` of `target` are there: the rest is what alignment asks for beyond the end. */
async function readExactly(
  device: string,
  file: FileHandle,
  target: Uint8Array,
  neededBytes: number,
  offsetBytes: number,
): Promise<void> {
  let filled = 0;
  while (filled < neededBytes) {
    const position = offsetBytes + filled;
    const { bytesRead } = await file.read(target, filled, target.length - filled, position).catch((error: unknown) => {
      throw readFailure(device, position, error);
    });
    if (bytesRead === 0) {
      throw new EndpointFailure(
        'SOURCE_DISK_CHANGED',
        `${device} ends at byte ${position}, earlier than it did before`,
      );
    }
    filled += bytesRead;
  }
}

function readFailure(device: string, offsetBytes: number, error: unknown): EndpointFailure {
  if (error instanceof EndpointFailure) return error;
  const code = GONE.has(systemErrorCode(error)) ? 'SOURCE_DISK_CHANGED' : 'SOURCE_READ_FAILED';
  return new EndpointFailure(code, `${device} at byte ${offsetBytes}: ${reasonOf(error)}`, { cause: error });
}
