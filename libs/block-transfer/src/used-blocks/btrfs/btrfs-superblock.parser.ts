import { createHash } from 'node:crypto';
import { crc32c } from '../crc32c.js';
import { believe } from '../map-doubt.js';
import { safeNumber } from '../safe-number.js';
import { parseBtrfsChunk, BTRFS_CHUNK_MIN_BYTES, type BtrfsChunk } from './btrfs-chunk.parser.js';

export const BTRFS_SUPERBLOCK_OFFSET_BYTES = 65_536;
export const BTRFS_SUPERBLOCK_BYTES = 4096;
const CHECKSUM_BYTES = 32;
const KEY_BYTES = 17;
const SYSTEM_CHUNKS_OFFSET = 811;
const SYSTEM_CHUNKS_MAX_BYTES = 2048;
const NODE_MAX_BYTES = 65_536;
/** The superblock was written as a whole. Left out: errors, seed devices, dumps, a change of the uuid under way. */
const KNOWN_FLAGS = 1n;
/**
 * Features under which the extent tree lists what is used, and chunks say where it is: back references, default
 * subvolumes, mixed groups, lzo, zstd, big metadata, extended references, skinny metadata, no holes, metadata uuid. Left
 * out on purpose: RAID with parity or more copies, zones, the new extent tree, the
 * stripe tree, simple quotas.
 */
const KNOWN_INCOMPATIBLE = 0x1n | 0x2n | 0x4n | 0x8n | 0x10n | 0x20n | 0x40n | 0x100n | 0x200n | 0x400n;
/** Free-space tree, and that it is valid; fs-verity. */
const KNOWN_READ_ONLY_COMPATIBLE = 0x1n | 0x2n | 0x4n;

type Checksum = (bytes: Uint8Array) => Buffer;

export interface BtrfsSuperblock {
  readonly generation: bigint;
  readonly nodeBytes: number;
  readonly root: BtrfsTreeRoot;
  readonly chunkRoot: BtrfsTreeRoot;
  /** What all extents together use, by the superblock's own account. */
  readonly usedBytes: number;
  readonly deviceId: bigint;
  readonly deviceBytes: number;
  readonly systemChunks: readonly BtrfsChunk[];
  /** Of metadata blocks; begins with what is stored, the rest is zero. */
  readonly checksum: Checksum;
}

export interface BtrfsTreeRoot {
  /** A logical address. */
  readonly address: bigint;
  readonly level: number;
  readonly generation: bigint;
}

const CHECKSUMS: Readonly<Record<number, Checksum>> = {
  0: (bytes) => {
    const value = Buffer.alloc(4);
    value.writeUInt32LE(crc32c(bytes));
    return value;
  },
  2: (bytes) => createHash('sha256').update(bytes).digest(),
};

/** @param head the beginning of a file system */
export function isBtrfs(head: Buffer): boolean {
  const at = BTRFS_SUPERBLOCK_OFFSET_BYTES + 64;
  return head.toString('latin1', at, at + 8) === '_BHRfS_M';
}

/**
 * Reads a btrfs superblock. Throws a `MapDoubt` where its trees are not all there is to know: several devices, a log of
 * synchronized files that still has to be replayed, features that are not known here.
 */
export function parseBtrfsSuperblock(bytes: Buffer): BtrfsSuperblock {
  believe(bytes.toString('latin1', 64, 72) === '_BHRfS_M', 'no btrfs superblock');
  const checksum = CHECKSUMS[bytes.readUInt16LE(196)];
  believe(checksum !== undefined, 'btrfs has checksums of a kind that is not known');
  believe(hasBtrfsChecksum(bytes, checksum), 'the superblock of btrfs has a wrong checksum');
  believe(bytes.readBigUInt64LE(48) === BigInt(BTRFS_SUPERBLOCK_OFFSET_BYTES), 'the superblock of btrfs is a copy');
  assertKnown('flags', bytes.readBigUInt64LE(56), KNOWN_FLAGS);
  assertKnown('incompat', bytes.readBigUInt64LE(188), KNOWN_INCOMPATIBLE);
  assertKnown('compat_ro', bytes.readBigUInt64LE(180), KNOWN_READ_ONLY_COMPATIBLE);
  believe(bytes.readBigUInt64LE(96) === 0n, 'the log of btrfs has to be replayed first');
  believe(bytes.readBigUInt64LE(136) === 1n, 'btrfs has several devices');
  const nodeBytes = bytes.readUInt32LE(148);
  believe(
    nodeBytes >= 4096 && nodeBytes <= NODE_MAX_BYTES && nodeBytes % 4096 === 0,
    'btrfs has nodes of a strange size',
  );
  const generation = bytes.readBigUInt64LE(72);
  return {
    ...{ generation, nodeBytes, checksum },
    root: { address: bytes.readBigUInt64LE(80), level: bytes.readUInt8(198), generation },
    chunkRoot: {
      address: bytes.readBigUInt64LE(88),
      level: bytes.readUInt8(199),
      generation: bytes.readBigUInt64LE(164),
    },
    usedBytes: safeNumber(bytes.readBigUInt64LE(120)),
    deviceId: bytes.readBigUInt64LE(201),
    deviceBytes: safeNumber(bytes.readBigUInt64LE(209)),
    systemChunks: systemChunks(bytes),
  };
}

/** The chunks in which the tree of all chunks is; without them it could not be found. */
function systemChunks(bytes: Buffer): BtrfsChunk[] {
  const size = bytes.readUInt32LE(160);
  believe(size <= SYSTEM_CHUNKS_MAX_BYTES, 'the superblock of btrfs contradicts itself');
  const chunks: BtrfsChunk[] = [];
  const end = SYSTEM_CHUNKS_OFFSET + size;
  for (let at = SYSTEM_CHUNKS_OFFSET; at < end;) {
    believe(at + KEY_BYTES + BTRFS_CHUNK_MIN_BYTES <= end, 'the superblock of btrfs ends in the middle');
    const { chunk, lengthBytes } = parseBtrfsChunk(bytes.readBigUInt64LE(at + 9), bytes.subarray(at + KEY_BYTES, end));
    chunks.push(chunk);
    at += KEY_BYTES + lengthBytes;
  }
  return chunks;
}

export function hasBtrfsChecksum(bytes: Buffer, checksum: Checksum): boolean {
  const computed = checksum(bytes.subarray(CHECKSUM_BYTES));
  return computed.equals(bytes.subarray(0, computed.length));
}

function assertKnown(word: string, bits: bigint, known: bigint): void {
  const unknown = bits & ~known;
  believe(unknown === 0n, `btrfs has features that are not known: ${word} 0x${unknown.toString(16)}`);
}
