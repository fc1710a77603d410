import type { DigestAlgorithm } from '#libs/contracts';
import { DIGEST_BLOCK_BYTES, digestOfBlock } from './block-digest.js';
import { DigestTable } from './digest-table.js';
import { alignedSlots } from '../source/aligned-buffer.js';
import { openSourceDisk, type SourceDisk } from '../source/source-disk.js';

const READ_BYTES = 16 * DIGEST_BLOCK_BYTES;
const READS_IN_FLIGHT = 4;

export interface DigestDiskOptions {
  algorithm: DigestAlgorithm;
  /** Stops between two reads; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  onProgress?: (processedBytes: number) => void;
  /** How much of the disk counts, for a target that is larger than its source. Default: all of it. */
  diskBytes?: number;
}

/**
 * Digests every block of a device or file, from end to end: no map is needed, since a target holds zeros wherever
 * the source has nothing. Rejects with an EndpointFailure as {@link openSourceDisk} does, and with `SOURCE_DISK_CHANGED`
 * when the disk is smaller than `diskBytes`.
 */
export async function digestDisk(path: string, options: DigestDiskOptions): Promise<DigestTable> {
  options.signal?.throwIfAborted();
  const disk = await openSourceDisk(path);
  try {
    return await digestAll(disk, options);
  } finally {
    await disk.close();
  }
}

async function digestAll(disk: SourceDisk, options: DigestDiskOptions): Promise<DigestTable> {
  const diskBytes = options.diskBytes ?? disk.sizeBytes;
  const { algorithm } = options;
  const table = DigestTable.unknown(diskBytes, algorithm);
  let next = 0;
  let processed = 0;
  const lane = async (slot: Uint8Array): Promise<void> => {
    while (next < diskBytes) {
      options.signal?.throwIfAborted();
      const offset = next;
      next += READ_BYTES;
      const part = slot.subarray(0, Math.min(READ_BYTES, diskBytes - offset));
      await disk.read(part, offset);
      for (let start = 0; start < part.length; start += DIGEST_BLOCK_BYTES) {
        const digest = digestOfBlock(part.subarray(start, start + DIGEST_BLOCK_BYTES), algorithm);
        table.set((offset + start) / DIGEST_BLOCK_BYTES, digest);
      }
      processed += part.length;
      options.onProgress?.(processed);
    }
  };
  // All lanes are waited for, whatever happens to one: the file must not be closed under a read in flight.
  const lanes = alignedSlots(READS_IN_FLIGHT, READ_BYTES).map((slot) =>
    lane(slot).catch((error: unknown) => {
      next = diskBytes;
      throw error;
    }),
  );
  for (const outcome of await Promise.allSettled(lanes)) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
  return table;
}
