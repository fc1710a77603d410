import { crc32c } from '../crc32c.js';
import { believe } from '../map-doubt.js';
import { safeNumber } from '../safe-number.js';

/** No xfs has larger sectors; the superblock is one sector. */
export const XFS_SECTOR_MAX_BYTES = 32_768;

/** Offset of the checksum in the superblock, which is the only big-endian structure's little-endian number. */
const CRC_OFFSET = 224;

/**
 * Features that do not change what the free-space b-trees say: file types in directories, sparse inode chunks, a second
 * uuid, large timestamps, large extent counters, exchanged ranges, parent pointers. Left out on purpose: `needsrepair`,
 * metadata directories and zones (they come with realtime groups).
 */
const KNOWN_INCOMPATIBLE = 0x01 | 0x02 | 0x04 | 0x08 | 0x20 | 0x40 | 0x80;
/** Free inode b-tree, reverse map, reflinks, inode b-tree counters. */
const KNOWN_READ_ONLY_COMPATIBLE = 0x01 | 0x02 | 0x04 | 0x08;
/** Logged extended attributes. */
const KNOWN_LOG_INCOMPATIBLE = 0x01;

/** What of an xfs superblock leads to its free space. Blocks are counted in file system blocks. */
export interface XfsGeometry {
  /** Whether metadata carries checksums and its own address (version 5). */
  readonly hasChecksums: boolean;
  readonly blockBytes: number;
  readonly sectorBytes: number;
  readonly blocks: number;
  readonly groupBlocks: number;
  readonly groups: number;
  /** Where the log inside the file system begins. */
  readonly logStartBytes: number;
  readonly logBytes: number;
}

/** @param head the beginning of a file system */
export function isXfs(head: Buffer): boolean {
  return head.toString('latin1', 0, 4) === 'XFSB';
}

/**
 * Reads an xfs superblock. Throws a `MapDoubt` where the free-space b-trees are not all there is to know: a realtime
 * device, an external log, features that are not known here.
 * @param bytes {@link XFS_SECTOR_MAX_BYTES} from the beginning of the file system
 */
export function parseXfsSuperblock(bytes: Buffer): XfsGeometry {
  believe(isXfs(bytes), 'no xfs superblock');
  const version = bytes.readUInt16BE(100) & 0xf;
  believe(version === 4 || version === 5, `xfs version ${version} is not known`);
  const hasChecksums = version === 5;
  const sectorBytes = bytes.readUInt16BE(102);
  const blockBytes = bytes.readUInt32BE(4);
  believe(isPowerOfTwo(sectorBytes, 512, XFS_SECTOR_MAX_BYTES), `an xfs with sectors of ${sectorBytes} bytes`);
  believe(isPowerOfTwo(blockBytes, 512, 65_536), `an xfs with blocks of ${blockBytes} bytes`);
  if (hasChecksums) assertKnownFeatures(bytes, sectorBytes);
  believe(bytes.readBigUInt64BE(16) === 0n, 'xfs has a realtime device');
  believe(bytes.readUInt8(126) === 0, 'xfs is being made, or its making was interrupted');
  const blocks = safeNumber(bytes.readBigUInt64BE(8));
  const groupBlocks = bytes.readUInt32BE(84);
  const groups = bytes.readUInt32BE(88);
  believe(groupBlocks > 0 && groups === Math.ceil(blocks / groupBlocks), 'the size of xfs contradicts itself');
  safeNumber(BigInt(blocks) * BigInt(blockBytes));
  return {
    ...{ hasChecksums, blockBytes, sectorBytes, blocks, groupBlocks, groups },
    logStartBytes: logStart(bytes, groupBlocks) * blockBytes,
    logBytes: bytes.readUInt32BE(96) * blockBytes,
  };
}

function assertKnownFeatures(bytes: Buffer, sectorBytes: number): void {
  believe(hasXfsChecksum(bytes.subarray(0, sectorBytes), CRC_OFFSET), 'the superblock of xfs has a wrong checksum');
  const unknown = [
    ['incompat', bytes.readUInt32BE(216) & ~KNOWN_INCOMPATIBLE],
    ['ro_compat', bytes.readUInt32BE(212) & ~KNOWN_READ_ONLY_COMPATIBLE],
    ['log_incompat', bytes.readUInt32BE(220) & ~KNOWN_LOG_INCOMPATIBLE],
  ] as const;
  for (const [word, bits] of unknown) {
    believe(bits === 0, `xfs has features that are not known: ${word} 0x${(bits >>> 0).toString(16)}`);
  }
}

/** The address of a block names its group in the high bits, which need not be a power of two in size. */
function logStart(bytes: Buffer, groupBlocks: number): number {
  const address = bytes.readBigUInt64BE(48);
  believe(address !== 0n, 'xfs has its log on another device');
  const groupBits = BigInt(bytes.readUInt8(124));
  believe(groupBits < 32n, 'the geometry of xfs contradicts itself');
  const inGroup = address & ((1n << groupBits) - 1n);
  return safeNumber((address >> groupBits) * BigInt(groupBlocks) + inGroup);
}

/** Checks the checksum of a whole structure; its own field counts as zero, and is the only little-endian one. */
export function hasXfsChecksum(structure: Buffer, crcOffset: number): boolean {
  const before = crc32c(structure.subarray(0, crcOffset));
  const zeros = crc32c(new Uint8Array(4), before);
  return crc32c(structure.subarray(crcOffset + 4), zeros) === structure.readUInt32LE(crcOffset);
}

function isPowerOfTwo(value: number, least: number, most: number): boolean {
  return value >= least && value <= most && Number.isInteger(Math.log2(value));
}
