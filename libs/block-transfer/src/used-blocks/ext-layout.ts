import type { ExtSuperblock } from './ext-superblock.parser.js';

/** A row of blocks of the file system: the first one, and the one behind the last. */
export interface BlockRange {
  readonly first: number;
  readonly end: number;
}

/** What a group descriptor says that a map needs. */
export interface GroupPlace {
  readonly blockBitmap: number;
  readonly inodeBitmap: number;
  readonly inodeTable: number;
  /** The block bitmap was never written: only metadata is in use. */
  readonly uninitialized: boolean;
  /** What the group itself counts as free; clusters are blocks without `bigalloc`. */
  readonly freeClusters: number;
}

const BLOCK_UNINIT = 0x2;
const WIDE_DESCRIPTOR_BYTES = 64;

export function descriptorsPerBlock({ blockBytes, descriptorBytes }: ExtSuperblock): number {
  return blockBytes / descriptorBytes;
}

/** The blocks of a group. The last one may be short. */
export function groupRange(sb: ExtSuperblock, group: number): BlockRange {
  const first = sb.firstBlock + group * sb.blocksPerGroup;
  return { first, end: Math.min(first + sb.blocksPerGroup, sb.blocks) };
}

/** How many bits of a group's bitmap mean something. */
export function groupClusters(sb: ExtSuperblock, group: number): number {
  const { first, end } = groupRange(sb, group);
  return Math.ceil((end - first) / sb.clusterBlocks);
}

/** The block with the group descriptors of index `index`. */
export function descriptorBlock(sb: ExtSuperblock, index: number): number {
  if (index < sb.firstMetaGroup) return superblockBlock(sb) + 1 + index;
  const group = index * descriptorsPerBlock(sb);
  return groupRange(sb, group).first + superblockBlocks(sb, group);
}

/** Superblock, descriptors and what is kept for more of them, at a group's beginning; empty where there are none. */
export function groupHead(sb: ExtSuperblock, group: number): BlockRange {
  const { first, end } = groupRange(sb, group);
  const perBlock = descriptorsPerBlock(sb);
  const heads = superblockBlocks(sb, group);
  let blocks = heads;
  if (group < sb.firstMetaGroup * perBlock) {
    const descriptorBlocks = Math.min(Math.ceil(sb.groups / perBlock), sb.firstMetaGroup);
    if (heads > 0) blocks += descriptorBlocks + sb.reservedDescriptorBlocks;
  } else if ([0, 1, perBlock - 1].includes(group % perBlock)) {
    blocks += 1;
  }
  return { first, end: Math.min(first + blocks, end) };
}

/** Blocks up to and with a group's copy of the superblock; 0 without one. */
function superblockBlocks(sb: ExtSuperblock, group: number): number {
  if (!hasSuperblock(sb, group)) return 0;
  return group === 0 ? superblockBlock(sb) - sb.firstBlock + 1 : 1;
}

/** Byte 1024 is in block 1 when blocks are as small as that, else in block 0. */
function superblockBlock({ blockBytes }: ExtSuperblock): number {
  return blockBytes === 1024 ? 1 : 0;
}

function hasSuperblock({ superblocksIn }: ExtSuperblock, group: number): boolean {
  if (superblocksIn === 'every-group' || group === 0) return true;
  if (superblocksIn !== 'powers') return superblocksIn.includes(group);
  return group === 1 || [3, 5, 7].some((base) => isPowerOf(base, group));
}

function isPowerOf(base: number, value: number): boolean {
  let power = base;
  while (power < value) power *= base;
  return power === value;
}

/** Null when the descriptor names blocks that the file system does not have. */
export function parseGroupDescriptor(sb: ExtSuperblock, descriptor: Buffer): GroupPlace | null {
  const wide = descriptor.length >= WIDE_DESCRIPTOR_BYTES;
  const block = (low: number): number =>
    descriptor.readUInt32LE(low) + (wide ? descriptor.readUInt32LE(low + 0x20) * 2 ** 32 : 0);
  const [blockBitmap, inodeBitmap, inodeTable] = [block(0x00), block(0x04), block(0x08)];
  const exists = (first: number, count: number): boolean => first > superblockBlock(sb) && first + count <= sb.blocks;
  if (!exists(blockBitmap, 1) || !exists(inodeBitmap, 1) || !exists(inodeTable, sb.inodeTableBlocks)) return null;
  const uninitialized = sb.mayBeUninitialized && (descriptor.readUInt16LE(0x12) & BLOCK_UNINIT) !== 0;
  const freeClusters = descriptor.readUInt16LE(0x0c) + (wide ? descriptor.readUInt16LE(0x2c) * 2 ** 16 : 0);
  return { blockBitmap, inodeBitmap, inodeTable, uninitialized, freeClusters };
}
