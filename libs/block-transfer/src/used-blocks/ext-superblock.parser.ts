import { believe } from './map-doubt.js';

/** Where the superblock of ext2, ext3 and ext4 lies, and how long it is. */
export const EXT_SUPERBLOCK_OFFSET_BYTES = 1024;
export const EXT_SUPERBLOCK_BYTES = 1024;

const MAGIC = 0xef53;

/**
 * Features that leave the meaning of the block bitmaps as it is, or whose effect on it is known here. The list is of
 * what is known, not of what is refused: a feature of tomorrow is not guessed at. Left out on purpose: `shared_blocks`,
 * snapshots, compression, and external journal devices, which are no file systems.
 */
const KNOWN_INCOMPATIBLE =
  0x0002 | // filetype
  0x0004 | // journal needs recovery: every file system mounted for writing
  0x0010 | // meta_bg
  0x0040 | // extents
  0x0080 | // 64bit
  0x0100 | // mmp
  0x0200 | // flex_bg
  0x0400 | // ea_inode
  0x2000 | // checksum seed
  0x4000 | // large directories
  0x8000 | // inline data
  0x10000 | // encrypted files
  0x20000; // case-insensitive names
const KNOWN_READ_ONLY_COMPATIBLE =
  0x0001 | // sparse superblocks
  0x0002 | // large files
  0x0004 | // b-tree directories
  0x0008 | // huge files
  0x0010 | // group descriptor checksums
  0x0020 | // many links to a directory
  0x0040 | // large inodes
  0x0100 | // quota
  0x0200 | // bigalloc
  0x0400 | // metadata checksums
  0x1000 | // read-only
  0x2000 | // project quota
  0x8000 | // verity
  0x10000; // orphan file in use

const Compatible = { SPARSE_SUPERBLOCKS_2: 0x200 } as const;
const Incompatible = { NEEDS_RECOVERY: 0x4, META_GROUPS: 0x10, WIDE: 0x80, CHECKSUM_SEED: 0x2000 } as const;
const ReadOnlyCompatible = {
  SPARSE_SUPERBLOCKS: 0x1,
  GROUP_CHECKSUMS: 0x10,
  BIGALLOC: 0x200,
  CHECKSUMS: 0x400,
} as const;
const State = { CLEAN: 0x1, ERRORS: 0x2 } as const;

const CHECKSUM_TYPE_CRC32C = 1;
const NARROW_DESCRIPTOR_BYTES = 32;
const MAX_DESCRIPTOR_BYTES = 1024;
const MAX_LOG_BLOCK_BYTES = 6;
/** Bounds the group descriptors that are held: 64 TiB with blocks of 4 KiB, 4 TiB with blocks of 1 KiB. */
const MAX_GROUPS = 2 ** 19;

/** What descriptors and bitmaps are checked by. */
export type ExtChecksums =
  { readonly kind: 'none' } | { readonly kind: 'crc16'; readonly uuid: Buffer } | ExtMetadataChecksums;
export interface ExtMetadataChecksums {
  readonly kind: 'crc32c';
  /** Null: made of the uuid. */
  readonly seed: number | null;
  readonly uuid: Buffer;
}

/** The layout of a file system, in its blocks. A group is a row of blocks with a bitmap of its own. */
export interface ExtSuperblock {
  readonly blockBytes: number;
  readonly blocks: number;
  /** The first block of the first group. */
  readonly firstBlock: number;
  readonly groups: number;
  readonly blocksPerGroup: number;
  /** Blocks that one bit of a bitmap stands for: more than one with `bigalloc`. */
  readonly clusterBlocks: number;
  readonly inodeTableBlocks: number;
  readonly descriptorBytes: number;
  /** Kept behind the descriptors for a file system that grows. */
  readonly reservedDescriptorBlocks: number;
  /** From this block of descriptors on they lie in the groups that they describe (`meta_bg`). */
  readonly firstMetaGroup: number;
  readonly superblocksIn: 'every-group' | 'powers' | readonly number[];
  readonly checksums: ExtChecksums;
  /** Groups may have a bitmap that was never written (`BLOCK_UNINIT`). */
  readonly mayBeUninitialized: boolean;
  /** Left as it should be: not in use, or frozen, and not left by a crash. */
  readonly clean: boolean;
}

/**
 * Reads the layout. Throws `SyntaxError` without the magic number, and a `MapDoubt` where the layout is not one that
 * is known, or recorded errors say that the file system does not believe itself.
 * Source: Linux, Documentation/filesystems/ext4 (super.rst, group_descr.rst, bigalloc.rst).
 */
export function parseExtSuperblock(bytes: Buffer): ExtSuperblock {
  if (bytes.length < EXT_SUPERBLOCK_BYTES || bytes.readUInt16LE(0x38) !== MAGIC) {
    throw new SyntaxError('no ext2, ext3 or ext4 superblock');
  }
  const incompatible = bytes.readUInt32LE(0x60);
  const readOnlyCompatible = bytes.readUInt32LE(0x64);
  believeFeatures(incompatible, readOnlyCompatible);
  const state = bytes.readUInt16LE(0x3a);
  believe((state & State.ERRORS) === 0, 'the file system has recorded errors in itself');
  const sizes = sizesOf(bytes, incompatible, readOnlyCompatible);
  const metaGroups = (incompatible & Incompatible.META_GROUPS) !== 0;
  return {
    ...sizes,
    descriptorBytes: descriptorBytesOf(bytes, incompatible, sizes.blockBytes),
    reservedDescriptorBlocks: bytes.readUInt16LE(0xce),
    firstMetaGroup: metaGroups ? bytes.readUInt32LE(0x104) : Number.POSITIVE_INFINITY,
    superblocksIn: superblocksOf(bytes, readOnlyCompatible),
    checksums: checksumsOf(bytes, incompatible, readOnlyCompatible),
    mayBeUninitialized:
      (readOnlyCompatible & (ReadOnlyCompatible.GROUP_CHECKSUMS | ReadOnlyCompatible.CHECKSUMS)) !== 0,
    clean: (state & State.CLEAN) !== 0 && (incompatible & Incompatible.NEEDS_RECOVERY) === 0,
  };
}

type Sizes = Pick<
  ExtSuperblock,
  'blockBytes' | 'blocks' | 'firstBlock' | 'groups' | 'blocksPerGroup' | 'clusterBlocks' | 'inodeTableBlocks'
>;

function sizesOf(bytes: Buffer, incompatible: number, readOnlyCompatible: number): Sizes {
  const logBlock = bytes.readUInt32LE(0x18);
  const logCluster = bytes.readUInt32LE(0x1c);
  const bigalloc = (readOnlyCompatible & ReadOnlyCompatible.BIGALLOC) !== 0;
  believe(logBlock <= MAX_LOG_BLOCK_BYTES, `blocks of 2^${logBlock} KiB`);
  const logRatio = logCluster - logBlock;
  believe(bigalloc ? logRatio >= 0 && logRatio <= 20 : logRatio === 0, `clusters of 2^${logRatio} blocks`);
  const blockBytes = 1024 * 2 ** logBlock;
  const clusterBlocks = 2 ** logRatio;
  const high = (incompatible & Incompatible.WIDE) === 0 ? 0 : bytes.readUInt32LE(0x150);
  const blocks = bytes.readUInt32LE(0x04) + high * 2 ** 32;
  believe(Number.isSafeInteger(blocks * blockBytes), `${blocks} blocks`);
  const firstBlock = bytes.readUInt32LE(0x14);
  believe(firstBlock === (blockBytes === 1024 && clusterBlocks === 1 ? 1 : 0), `groups that begin at ${firstBlock}`);
  believe(blocks > firstBlock, `${blocks} blocks`);
  const blocksPerGroup = bytes.readUInt32LE(0x20);
  const clustersPerGroup = bytes.readUInt32LE(0x24);
  const wholeGroups = clustersPerGroup * clusterBlocks === blocksPerGroup && clustersPerGroup % 8 === 0;
  const fits = clustersPerGroup > 0 && clustersPerGroup <= 8 * blockBytes;
  believe(wholeGroups && fits, `groups of ${blocksPerGroup} blocks, ${clustersPerGroup} clusters`);
  const groups = Math.ceil((blocks - firstBlock) / blocksPerGroup);
  believe(groups <= MAX_GROUPS, `${groups} groups`);
  const inodesPerGroup = bytes.readUInt32LE(0x28);
  const inodes = bytes.readUInt32LE(0x00);
  believe(inodes === inodesPerGroup * groups, `${inodes} inodes in ${groups} groups of ${inodesPerGroup}`);
  const inodeBytes = bytes.readUInt32LE(0x4c) === 0 ? 128 : bytes.readUInt16LE(0x58);
  const inodeTableBlocks = Math.ceil((inodesPerGroup * inodeBytes) / blockBytes);
  believe(inodeTableBlocks > 0, 'no inode table');
  return { blockBytes, blocks, firstBlock, groups, blocksPerGroup, clusterBlocks, inodeTableBlocks };
}

function descriptorBytesOf(bytes: Buffer, incompatible: number, blockBytes: number): number {
  if ((incompatible & Incompatible.WIDE) === 0) return NARROW_DESCRIPTOR_BYTES;
  const stated = bytes.readUInt16LE(0xfe);
  const known = stated >= 2 * NARROW_DESCRIPTOR_BYTES && stated <= MAX_DESCRIPTOR_BYTES && blockBytes % stated === 0;
  believe(known, `group descriptors of ${stated} bytes`);
  return stated;
}

function superblocksOf(bytes: Buffer, readOnlyCompatible: number): ExtSuperblock['superblocksIn'] {
  if ((bytes.readUInt32LE(0x5c) & Compatible.SPARSE_SUPERBLOCKS_2) !== 0) {
    return [0, bytes.readUInt32LE(0x24c), bytes.readUInt32LE(0x250)];
  }
  return (readOnlyCompatible & ReadOnlyCompatible.SPARSE_SUPERBLOCKS) === 0 ? 'every-group' : 'powers';
}

function checksumsOf(bytes: Buffer, incompatible: number, readOnlyCompatible: number): ExtChecksums {
  const uuid = Buffer.from(bytes.subarray(0x68, 0x78));
  if ((readOnlyCompatible & ReadOnlyCompatible.CHECKSUMS) !== 0) {
    believe(bytes.readUInt8(0x175) === CHECKSUM_TYPE_CRC32C, `checksums of type ${bytes.readUInt8(0x175)}`);
    const seeded = (incompatible & Incompatible.CHECKSUM_SEED) !== 0;
    return { kind: 'crc32c', seed: seeded ? bytes.readUInt32LE(0x270) : null, uuid };
  }
  return (readOnlyCompatible & ReadOnlyCompatible.GROUP_CHECKSUMS) !== 0 ? { kind: 'crc16', uuid } : { kind: 'none' };
}

function believeFeatures(incompatible: number, readOnlyCompatible: number): void {
  const unknown = [
    ...featureNames('incompat', incompatible & ~KNOWN_INCOMPATIBLE),
    ...featureNames('ro_compat', readOnlyCompatible & ~KNOWN_READ_ONLY_COMPATIBLE),
  ];
  believe(unknown.length === 0, `features whose block maps are not known: ${unknown.join(', ')}`);
}

function featureNames(word: string, bits: number): string[] {
  return bits === 0 ? [] : [`${word} 0x${(bits >>> 0).toString(16)}`];
}
