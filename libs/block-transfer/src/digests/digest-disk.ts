import type { DigestAlgorithm } from '#libs/contracts';
import { DIGEST_BLOCK_BYTES, DIGEST_BYTES, digestOfBlock } from './block-digest.js';
import { blocksOfDisk } from './digest-table.js';
import { DigestTree } from './digest-tree.js';
import { GroupDigests } from './group-digests.js';
import { alignedSlots } from '../source/aligned-buffer.js';
import { openSourceDisk, type SourceDisk } from '../source/source-disk.js';

const READ_BYTES = 16 * DIGEST_BLOCK_BYTES;
const READS_IN_FLIGHT = 4;

export interface DigestDiskOptions {
  algorithm: DigestAlgorithm;
  /** Stops between two reads; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  onProgress?: (processedBytes: number) => void;
  /** Digests of neighbouring blocks, one behind the other; from the first block of the disk to its last. */
  onDigests?: (first: number, digests: Uint8Array) => void;
  /** How much of the disk counts, for a target that is larger than its source. Default: all of it. */
  diskBytes?: number;
}

/** What a disk holds, in 512 KiB for each TiB of it. */
export interface DiskDigests {
  readonly algorithm: DigestAlgorithm;
  /** Root of the digest tree ({@link DigestTree}), hexadecimal. */
  readonly rootDigest: string;
  /** As `groupDigestsOf` gives them. */
  readonly groupDigests: Uint8Array;
}

/**
 * Digests every block of a device or file, from end to end: no map is needed, since a target holds zeros wherever
 * the source has nothing. Rejects with an EndpointFailure as {@link openSourceDisk} does, and with `SOURCE_DISK_CHANGED`
 * when the disk is smaller than `diskBytes`.
 */
export async function digestDisk(path: string, options: DigestDiskOptions): Promise<DiskDigests> {
  options.signal?.throwIfAborted();
  const disk = await openSourceDisk(path);
  try {
    return await digestAll(disk, options);
  } finally {
    await disk.close();
  }
}

async function digestAll(disk: SourceDisk, options: DigestDiskOptions): Promise<DiskDigests> {
  const { algorithm, diskBytes = disk.sizeBytes } = options;
  const tree = new DigestTree(algorithm, diskBytes);
  const groups = new GroupDigests(algorithm, blocksOfDisk(diskBytes));
  let processedBytes = 0;
  for await (const content of contentOf(disk, diskBytes, options.signal)) {
    const digests = digestsOf(content, algorithm);
    tree.push(digests);
    groups.push(digests);
    options.onDigests?.(processedBytes / DIGEST_BLOCK_BYTES, digests);
    processedBytes += content.length;
    options.onProgress?.(processedBytes);
  }
  return {
    algorithm,
    rootDigest: Buffer.from(tree.root()).toString('hex'),
    groupDigests: groups.digests(),
  };
}

/** The disk from its first byte to its last, a few reads ahead. Each part is good until the next is asked for. */
async function* contentOf(
  disk: SourceDisk,
  diskBytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const ahead: { readonly slot: Uint8Array; readonly part: Uint8Array; readonly read: Promise<void> }[] = [];
  let next = 0;
  const readInto = (slot: Uint8Array): void => {
    if (next >= diskBytes) return;
    const part = slot.subarray(0, Math.min(READ_BYTES, diskBytes - next));
    const read = disk.read(part, next);
    // Heard of when its turn comes.
    read.catch(() => undefined);
    ahead.push({ slot, part, read });
    next += part.length;
  };
  try {
    alignedSlots(READS_IN_FLIGHT, READ_BYTES).forEach(readInto);
    for (let first = ahead.shift(); first !== undefined; first = ahead.shift()) {
      await first.read;
      yield first.part;
      signal?.throwIfAborted();
      readInto(first.slot);
    }
  } finally {
    // The file must not be closed under a read in flight.
    await Promise.allSettled(ahead.map(({ read }) => read));
  }
}

function digestsOf(content: Uint8Array, algorithm: DigestAlgorithm): Uint8Array {
  const digests = new Uint8Array(Math.ceil(content.length / DIGEST_BLOCK_BYTES) * DIGEST_BYTES);
  for (let start = 0, at = 0; start < content.length; start += DIGEST_BLOCK_BYTES, at += DIGEST_BYTES) {
    digests.set(digestOfBlock(content.subarray(start, start + DIGEST_BLOCK_BYTES), algorithm), at);
  }
  return digests;
}
