import type { ByteRange } from '#libs/contracts';
import { clipExtents, invertExtents } from '../../extents/byte-extents.js';
import type { FileSystemPlace } from '../file-system-bytes.js';
import { FreeList } from '../free-list.js';
import { believe } from '../map-doubt.js';
import { safeNumber } from '../safe-number.js';
import { readStill, type MapRequest, type StillFileSystem } from '../still-file-system.js';
import { parseBtrfsChunk, type BtrfsChunk } from './btrfs-chunk.parser.js';
import { BtrfsChunks } from './btrfs-chunks.js';
import {
  BTRFS_SUPERBLOCK_BYTES,
  BTRFS_SUPERBLOCK_OFFSET_BYTES,
  parseBtrfsSuperblock,
  type BtrfsSuperblock,
  type BtrfsTreeRoot,
} from './btrfs-superblock.parser.js';
import { BtrfsTrees } from './btrfs-tree.js';

const CHUNK_ITEM = 228;
const ROOT_ITEM = 132;
const EXTENT_ITEM = 168;
const METADATA_ITEM = 169;
const EXTENT_TREE = 2n;
const ROOT_ITEM_MIN_BYTES = 239;
/** Behind all logical addresses. */
const LAST_ADDRESS = 2n ** 64n;
const MIB = 1024 * 1024;
const SUPERBLOCK_PLACE_BYTES = 65_536;
/** btrfs keeps the first MiB to itself, and its superblocks, which are in no tree. */
const ALWAYS_USED: readonly ByteRange[] = [
  { offsetBytes: 0, lengthBytes: MIB },
  { offsetBytes: 64 * MIB, lengthBytes: SUPERBLOCK_PLACE_BYTES },
  { offsetBytes: 256 * 1024 * MIB, lengthBytes: SUPERBLOCK_PLACE_BYTES },
];

/**
 * The free bytes of a btrfs as ranges of its disk: what is in no chunk, and what of the chunks is in no extent.
 *
 * A mounted btrfs is frozen while its trees are read: that ends with a commit, after which the trees on the disk are
 * all there is. Without it, files that were synchronized since the last commit are only in a log, their content where
 * the trees of that commit say free; and blocks of those trees may be overwritten as soon as the next one is done.
 */
export async function btrfsFreeExtents(place: FileSystemPlace, request: MapRequest): Promise<Iterable<ByteRange>> {
  return readStill(place, request, btrfsFreeWhileStill);
}

/** The free extents of a btrfs that is at rest, as ranges of its disk. Throws a `MapDoubt`. */
export async function btrfsFreeWhileStill(fileSystem: StillFileSystem): Promise<FreeList> {
  const before = await readSuperblock(fileSystem);
  const superblock = parseBtrfsSuperblock(before);
  const { deviceBytes, systemChunks } = superblock;
  believe(deviceBytes <= fileSystem.sizeBytes, 'btrfs is larger than what it is on');
  const chunks = await allChunks(fileSystem, superblock, systemChunks);
  const free = new FreeList(fileSystem.startBytes);
  const elsewhere = invertExtents(ALWAYS_USED, deviceBytes);
  const addFree = (range: ByteRange): void => free.addAll(clipExtents(elsewhere, range));
  for (const range of chunks.unallocated) addFree(range);
  await eachFreePlace(new BtrfsTrees(fileSystem, superblock, chunks), superblock, chunks, addFree);
  believe(before.equals(await readSuperblock(fileSystem)), 'btrfs changed while its trees were read');
  return free;
}

async function readSuperblock(fileSystem: StillFileSystem): Promise<Buffer> {
  return fileSystem.read(BTRFS_SUPERBLOCK_OFFSET_BYTES, BTRFS_SUPERBLOCK_BYTES);
}

async function allChunks(
  fileSystem: StillFileSystem,
  superblock: BtrfsSuperblock,
  systemChunks: readonly BtrfsChunk[],
): Promise<BtrfsChunks> {
  const { deviceId, deviceBytes, chunkRoot } = superblock;
  const first = new BtrfsChunks(systemChunks, deviceId, deviceBytes);
  const all: BtrfsChunk[] = [];
  for await (const items of new BtrfsTrees(fileSystem, superblock, first).blocksOfItems(chunkRoot)) {
    for (const { type, offset, data } of items) {
      if (type === CHUNK_ITEM) all.push(parseBtrfsChunk(offset, data()).chunk);
    }
  }
  return new BtrfsChunks(all, deviceId, deviceBytes);
}

/**
 * What of the chunks is not in the extent tree, which has everything: content of files, blocks of all trees, its own
 * included.
 */
async function eachFreePlace(
  trees: BtrfsTrees,
  superblock: BtrfsSuperblock,
  chunks: BtrfsChunks,
  onFree: (range: ByteRange) => void,
): Promise<void> {
  let usedBytes = 0;
  let end = 0n;
  for await (const items of trees.blocksOfItems(await extentTree(trees, superblock))) {
    for (const { objectId, type, offset } of items) {
      if (type !== EXTENT_ITEM && type !== METADATA_ITEM) continue;
      const lengthBytes = type === METADATA_ITEM ? superblock.nodeBytes : safeNumber(offset);
      believe(objectId >= end && lengthBytes > 0, 'extents of btrfs overlap');
      chunks.holding(objectId, lengthBytes);
      if (objectId > end) for (const range of chunks.placesBetween(end, objectId)) onFree(range);
      end = objectId + BigInt(lengthBytes);
      usedBytes += lengthBytes;
    }
  }
  for (const range of chunks.placesBetween(end, LAST_ADDRESS)) onFree(range);
  believe(
    usedBytes === superblock.usedBytes,
    `btrfs states ${superblock.usedBytes} used bytes, and lists ${usedBytes}`,
  );
}

async function extentTree(trees: BtrfsTrees, { root }: BtrfsSuperblock): Promise<BtrfsTreeRoot> {
  for await (const items of trees.blocksOfItems(root)) {
    for (const { objectId, type, data } of items) {
      if (objectId !== EXTENT_TREE || type !== ROOT_ITEM) continue;
      const bytes = data();
      believe(bytes.length >= ROOT_ITEM_MIN_BYTES, 'the root of the extent tree of btrfs ends in the middle');
      return {
        address: bytes.readBigUInt64LE(176),
        level: bytes.readUInt8(238),
        generation: bytes.readBigUInt64LE(160),
      };
    }
  }
  believe(false, 'btrfs has no extent tree');
}
