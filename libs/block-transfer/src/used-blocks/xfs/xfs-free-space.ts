import { FreeList } from '../free-list.js';
import { believe } from '../map-doubt.js';
import type { StillFileSystem } from '../still-file-system.js';
import { hasXfsChecksum, type XfsGeometry } from './xfs-superblock.parser.js';

const GROUP_FREE_CRC_OFFSET = 216;
const BLOCK_CRC_OFFSET = 52;
const HEADER_BYTES = 16;
const CHECKSUMMED_HEADER_BYTES = 56;
const RECORD_BYTES = 8;
const POINTER_BYTES = 4;
const NO_SIBLING = 0xffffffff;
const LEVELS_MAX = 9;

/** What the header of an allocation group's free space says. Blocks are counted from the group's beginning. */
interface GroupFree {
  readonly group: number;
  readonly startBytes: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly root: number;
  readonly levels: number;
}

/**
 * The free extents of an xfs, from the b-tree by block number of each allocation group, as ranges of its disk.
 * Blocks in a group's own reserve (AGFL) are in none of these trees, and so count as used.
 *
 * Throws a `MapDoubt` unless all of it fits together: checksums, addresses, order, and the sum in the group's header.
 */
export async function xfsFreeSpace(fileSystem: StillFileSystem, geometry: XfsGeometry): Promise<FreeList> {
  const free = new FreeList(fileSystem.startBytes);
  for (let group = 0; group < geometry.groups; group += 1) {
    const header = await readGroupFree(fileSystem, geometry, group);
    let freeBlocks = 0;
    let end = 0;
    for await (const { bytes, headerBytes, records } of freeLeaves(fileSystem, geometry, header)) {
      for (let record = 0; record < records; record += 1) {
        const first = bytes.readUInt32BE(headerBytes + record * RECORD_BYTES);
        const count = bytes.readUInt32BE(headerBytes + record * RECORD_BYTES + 4);
        const isInOrder = count > 0 && first >= end && first + count <= header.blocks;
        believe(isInOrder, `free space of xfs group ${group} overlaps`);
        end = first + count;
        freeBlocks += count;
        free.add(header.startBytes + first * geometry.blockBytes, count * geometry.blockBytes);
      }
    }
    believe(
      freeBlocks === header.freeBlocks,
      `xfs group ${group} states ${header.freeBlocks}, lists ${freeBlocks} free`,
    );
  }
  return free;
}

async function readGroupFree(fileSystem: StillFileSystem, geometry: XfsGeometry, group: number): Promise<GroupFree> {
  const { blockBytes, groupBlocks, sectorBytes, hasChecksums } = geometry;
  const startBytes = group * groupBlocks * blockBytes;
  const bytes = await fileSystem.read(startBytes + sectorBytes, sectorBytes);
  const wrong = `the free space header of xfs group ${group} cannot be read`;
  believe(bytes.toString('latin1', 0, 4) === 'XAGF' && bytes.readUInt32BE(8) === group, wrong);
  believe(!hasChecksums || hasXfsChecksum(bytes, GROUP_FREE_CRC_OFFSET), `${wrong}: wrong checksum`);
  const blocks = bytes.readUInt32BE(12);
  believe(blocks === Math.min(groupBlocks, geometry.blocks - group * groupBlocks), `${wrong}: wrong size`);
  const levels = bytes.readUInt32BE(28);
  believe(levels >= 1 && levels <= LEVELS_MAX, `${wrong}: ${levels} levels`);
  const freeBlocks = bytes.readUInt32BE(52);
  return { group, startBytes, blocks, freeBlocks, levels, root: bytes.readUInt32BE(16) };
}

/** All leaves, from left to right: the leftmost way down, then from sibling to sibling. One is gone with the next. */
async function* freeLeaves(
  fileSystem: StillFileSystem,
  geometry: XfsGeometry,
  header: GroupFree,
): AsyncGenerator<TreeBlock> {
  const room = Buffer.alloc(geometry.blockBytes);
  let address = header.root;
  for (let level = header.levels - 1; level > 0; level -= 1) {
    const node = await readTreeBlock(fileSystem, geometry, header, address, level, room);
    const pointersAt =
      node.headerBytes +
      Math.floor((geometry.blockBytes - node.headerBytes) / (RECORD_BYTES + POINTER_BYTES)) * RECORD_BYTES;
    believe(node.records > 0, `an empty node in the free space of xfs group ${header.group}`);
    address = node.bytes.readUInt32BE(pointersAt);
  }
  for (let leaves = 0; address !== NO_SIBLING; leaves += 1) {
    believe(leaves < header.blocks, `the free space of xfs group ${header.group} goes round in a circle`);
    const leaf = await readTreeBlock(fileSystem, geometry, header, address, 0, room);
    yield leaf;
    address = leaf.rightSibling;
  }
}

interface TreeBlock {
  readonly bytes: Buffer;
  readonly headerBytes: number;
  readonly records: number;
  readonly rightSibling: number;
}

async function readTreeBlock(
  fileSystem: StillFileSystem,
  { blockBytes, hasChecksums }: XfsGeometry,
  { group, startBytes, blocks }: GroupFree,
  address: number,
  level: number,
  room: Buffer,
): Promise<TreeBlock> {
  const wrong = `block ${address} of the free space of xfs group ${group}`;
  believe(address < blocks, `${wrong} is outside of its group`);
  const offsetBytes = startBytes + address * blockBytes;
  const bytes = await fileSystem.read(offsetBytes, blockBytes, room);
  const headerBytes = hasChecksums ? CHECKSUMMED_HEADER_BYTES : HEADER_BYTES;
  const records = bytes.readUInt16BE(6);
  const entryBytes = level === 0 ? RECORD_BYTES : RECORD_BYTES + POINTER_BYTES;
  believe(bytes.toString('latin1', 0, 4) === (hasChecksums ? 'AB3B' : 'ABTB'), `${wrong} is no tree block`);
  believe(bytes.readUInt16BE(4) === level && headerBytes + records * entryBytes <= blockBytes, `${wrong} does not fit`);
  if (hasChecksums) {
    believe(hasXfsChecksum(bytes, BLOCK_CRC_OFFSET), `${wrong} has a wrong checksum`);
    const isInPlace = bytes.readBigUInt64BE(16) === BigInt(offsetBytes / 512) && bytes.readUInt32BE(48) === group;
    believe(isInPlace, `${wrong} belongs elsewhere`);
  }
  return { bytes, headerBytes, records, rightSibling: bytes.readUInt32BE(12) };
}
