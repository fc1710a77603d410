import { PackedRanges } from '../extents/packed-ranges.js';
import { areUsed, countFree, markUsed } from './bitmap-runs.js';
import { fitsBitmap, fitsDescriptor } from './ext-checksums.js';
import {
  descriptorBlock,
  descriptorsPerBlock,
  groupClusters,
  groupHead,
  groupRange,
  parseGroupDescriptor,
  type BlockRange,
  type GroupPlace,
} from './ext-layout.js';
import type { ExtSuperblock } from './ext-superblock.parser.js';
import { READ_WINDOW_BYTES, type FileSystemBytes } from './file-system-bytes.js';

/**
 * How often a descriptor or bitmap is read again that does not fit: itself, or the other. The kernel changes both within
 * microseconds, and a read takes some tens of them; twice in a row is rare, ten times is damage.
 */
const READ_ATTEMPTS = 10;
/** Bitmaps that lie closer than this are read together, with what is between them. */
const MAX_GAP_BLOCKS = 16;

interface Descriptor {
  readonly descriptor: Buffer;
  readonly place: GroupPlace;
}

interface Window {
  readonly firstBlock: number;
  readonly content: Buffer;
}

/** The groups of one ext file system: their descriptors, read at first, and their bitmaps, read one after the other. */
export class ExtGroups {
  #window: Window = { firstBlock: 0, content: Buffer.alloc(0) };
  readonly #room = Buffer.alloc(READ_WINDOW_BYTES);

  private constructor(
    private readonly bytes: FileSystemBytes,
    private readonly superblock: ExtSuperblock,
    private readonly descriptors: Buffer,
    /** Groups whose descriptor cannot be believed. */
    private readonly doubtful: ReadonlySet<number>,
    /** Blocks that hold the file system itself, in any group; merged. */
    private readonly metadata: PackedRanges,
  ) {}

  /** Reads all descriptors. */
  static async read(bytes: FileSystemBytes, superblock: ExtSuperblock): Promise<ExtGroups> {
    const descriptors = await readDescriptors(bytes, superblock);
    const doubtful = new Set<number>();
    const metadata = new PackedRanges();
    for (let group = 0; group < superblock.groups; group += 1) {
      const descriptor = descriptorIn(descriptors, superblock, group);
      if (!fitsDescriptor(superblock.checksums, group, descriptor)) {
        (await rereadDescriptor(bytes, superblock, group))?.descriptor.copy(descriptor);
      }
      const place = fitsDescriptor(superblock.checksums, group, descriptor)
        ? parseGroupDescriptor(superblock, descriptor)
        : null;
      if (place === null) doubtful.add(group);
      addMetadata(metadata, superblock, group, place);
    }
    metadata.merge();
    return new ExtGroups(bytes, superblock, descriptors, doubtful, metadata);
  }

  /** Read anew each time: there may be half a million groups. */
  #placeOf(group: number): GroupPlace | null {
    if (this.doubtful.has(group) || group >= this.superblock.groups) return null;
    return parseGroupDescriptor(this.superblock, descriptorIn(this.descriptors, this.superblock, group));
  }

  /**
   * A group's block bitmap, of bits (clusters) of which those of metadata are set; null when nothing can be believed of
   * it: it does not fit its descriptor, or calls metadata free.
   */
  async bitmap(group: number): Promise<Buffer | null> {
    const place = this.#placeOf(group);
    if (place === null) return null;
    const metadata = this.#metadataBits(group);
    if (place.uninitialized) return uninitializedBitmap(this.superblock, group, metadata);
    const descriptor = descriptorIn(this.descriptors, this.superblock, group);
    const bitmap = await this.#fromWindow(group, place.blockBitmap);
    if (this.#fits(group, { descriptor, place }, bitmap)) return withMetadata(bitmap, metadata);
    for (let attempt = 1; attempt < READ_ATTEMPTS; attempt += 1) {
      const again = await rereadDescriptor(this.bytes, this.superblock, group);
      if (again === null) return null;
      const offset = again.place.blockBitmap * this.superblock.blockBytes;
      const latest = await this.bytes.read(offset, bitmapBytes(this.superblock));
      if (this.#fits(group, again, latest)) return withMetadata(latest, metadata);
    }
    return null;
  }

  /** By the bitmap's checksum in the descriptor; where there is none, by how much the descriptor says is free. */
  #fits(group: number, { descriptor, place }: Descriptor, bitmap: Buffer): boolean {
    const { checksums } = this.superblock;
    if (checksums.kind === 'crc32c') return fitsBitmap(checksums, descriptor, bitmap);
    return countFree(bitmap, groupClusters(this.superblock, group)) === place.freeClusters;
  }

  #metadataBits(group: number): BlockRange[] {
    const { first, end } = groupRange(this.superblock, group);
    const { clusterBlocks } = this.superblock;
    const bits: BlockRange[] = [];
    const { metadata } = this;
    for (let index = metadata.firstEndingBehind(first); metadata.startOf(index) < end; index += 1) {
      bits.push({
        first: Math.floor((Math.max(metadata.startOf(index), first) - first) / clusterBlocks),
        end: Math.ceil((Math.min(metadata.endOf(index), end) - first) / clusterBlocks),
      });
    }
    return bits;
  }

  /** Neighbouring groups often have neighbouring bitmaps (`flex_bg`): those are read together. */
  async #fromWindow(group: number, block: number): Promise<Buffer> {
    const { blockBytes } = this.superblock;
    const held = (block - this.#window.firstBlock) * blockBytes;
    if (held < 0 || held >= this.#window.content.length) {
      const blocks = this.#bitmapsFrom(group, block);
      this.#window = {
        firstBlock: block,
        content: await this.bytes.read(block * blockBytes, blocks * blockBytes, this.#room),
      };
    }
    const offset = (block - this.#window.firstBlock) * blockBytes;
    return this.#window.content.subarray(offset, offset + bitmapBytes(this.superblock));
  }

  /** How many blocks to read from `block` on, so that the bitmaps of the groups behind `group` come along. */
  #bitmapsFrom(group: number, block: number): number {
    const limit = block + READ_WINDOW_BYTES / this.superblock.blockBytes;
    let end = block + 1;
    for (let next = group + 1; next < this.superblock.groups; next += 1) {
      const place = this.#placeOf(next);
      const bitmap = place?.blockBitmap ?? end;
      if (bitmap < block || bitmap > end + MAX_GAP_BLOCKS || bitmap >= limit) break;
      if (place?.uninitialized === false) end = Math.max(end, bitmap + 1);
    }
    return end - block;
  }
}

/** Descriptors of all groups, one behind the other. Blocks that are neighbours are read together. */
async function readDescriptors(bytes: FileSystemBytes, superblock: ExtSuperblock): Promise<Buffer> {
  const { blockBytes, groups, descriptorBytes } = superblock;
  const blocks = Math.ceil(groups / descriptorsPerBlock(superblock));
  const descriptors = Buffer.alloc(blocks * blockBytes);
  const most = READ_WINDOW_BYTES / blockBytes;
  const room = Buffer.alloc(READ_WINDOW_BYTES);
  for (let index = 0; index < blocks;) {
    const first = descriptorBlock(superblock, index);
    let count = 1;
    while (index + count < blocks && count < most && descriptorBlock(superblock, index + count) === first + count) {
      count += 1;
    }
    descriptors.set(await bytes.read(first * blockBytes, count * blockBytes, room), index * blockBytes);
    index += count;
  }
  return descriptors.subarray(0, groups * descriptorBytes);
}

function descriptorIn(descriptors: Buffer, { descriptorBytes }: ExtSuperblock, group: number): Buffer {
  return descriptors.subarray(group * descriptorBytes, (group + 1) * descriptorBytes);
}

/** A descriptor as it is now; null when its checksum never fits, or it names blocks that do not exist. */
async function rereadDescriptor(
  bytes: FileSystemBytes,
  superblock: ExtSuperblock,
  group: number,
): Promise<Descriptor | null> {
  const { blockBytes, descriptorBytes } = superblock;
  const perBlock = descriptorsPerBlock(superblock);
  const block = descriptorBlock(superblock, Math.floor(group / perBlock));
  const offset = block * blockBytes + (group % perBlock) * descriptorBytes;
  for (let attempt = 0; attempt < READ_ATTEMPTS; attempt += 1) {
    const descriptor = await bytes.read(offset, descriptorBytes);
    if (!fitsDescriptor(superblock.checksums, group, descriptor)) continue;
    const place = parseGroupDescriptor(superblock, descriptor);
    return place === null ? null : { descriptor, place };
  }
  return null;
}

function addMetadata(metadata: PackedRanges, superblock: ExtSuperblock, group: number, place: GroupPlace | null): void {
  const head = groupHead(superblock, group);
  if (head.end > head.first) metadata.add(head.first, head.end);
  if (place === null) return;
  metadata.add(place.blockBitmap, place.blockBitmap + 1);
  metadata.add(place.inodeBitmap, place.inodeBitmap + 1);
  metadata.add(place.inodeTable, place.inodeTable + superblock.inodeTableBlocks);
}

/** The bitmap that the kernel makes when it first uses such a group. The first group always has a written one. */
function uninitializedBitmap(superblock: ExtSuperblock, group: number, metadata: readonly BlockRange[]): Buffer | null {
  if (group === 0) return null;
  const bitmap = Buffer.alloc(bitmapBytes(superblock));
  for (const { first, end } of metadata) markUsed(bitmap, first, end);
  return bitmap;
}

function withMetadata(bitmap: Buffer, metadata: readonly BlockRange[]): Buffer | null {
  return metadata.every(({ first, end }) => areUsed(bitmap, first, end)) ? bitmap : null;
}

function bitmapBytes({ blocksPerGroup, clusterBlocks }: ExtSuperblock): number {
  return blocksPerGroup / clusterBlocks / 8;
}
