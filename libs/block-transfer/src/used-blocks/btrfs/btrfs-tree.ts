import { believe } from '../map-doubt.js';
import type { StillFileSystem } from '../still-file-system.js';
import type { BtrfsChunks } from './btrfs-chunks.js';
import { hasBtrfsChecksum, type BtrfsSuperblock, type BtrfsTreeRoot } from './btrfs-superblock.parser.js';

const HEADER_BYTES = 101;
const ITEM_BYTES = 25;
const POINTER_BYTES = 33;
const LEVELS_MAX = 8;

export interface BtrfsItem {
  readonly objectId: bigint;
  readonly type: number;
  /** The third part of the key; what it means depends on the type. */
  readonly offset: bigint;
  /** Gone with the next block of the tree. */
  readonly data: () => Buffer;
}

/** Reads the trees of a btrfs that is at rest; every block is checked before anything in it is believed. */
export class BtrfsTrees {
  /** For a block of each level. */
  readonly #rooms: Buffer[] = [];

  constructor(
    private readonly fileSystem: StillFileSystem,
    private readonly superblock: BtrfsSuperblock,
    private readonly chunks: BtrfsChunks,
  ) {}

  /**
   * All items of a tree, in the order of their keys, a block at a time: an extent tree has millions of them. Of one tree
   * at a time. Throws a `MapDoubt`.
   */
  async *blocksOfItems(root: BtrfsTreeRoot): AsyncGenerator<Iterable<BtrfsItem>> {
    believe(root.level < LEVELS_MAX, `a tree of btrfs has ${root.level + 1} levels`);
    const block = await this.#block(root);
    const count = block.readUInt32LE(96);
    const entryBytes = root.level === 0 ? ITEM_BYTES : POINTER_BYTES;
    believe(HEADER_BYTES + count * entryBytes <= block.length, 'a tree block of btrfs contradicts itself');
    if (root.level === 0) yield itemsIn(block, count);
    for (let index = 0; root.level > 0 && index < count; index += 1) {
      const at = HEADER_BYTES + index * entryBytes;
      const address = block.readBigUInt64LE(at + 17);
      yield* this.blocksOfItems({ address, level: root.level - 1, generation: block.readBigUInt64LE(at + 25) });
    }
  }

  async #block({ address, level, generation }: BtrfsTreeRoot): Promise<Buffer> {
    const { nodeBytes, checksum } = this.superblock;
    const wrong = `the tree block of btrfs at ${address}`;
    const [place] = this.chunks.placesOf(address, nodeBytes);
    believe(place !== undefined, `${wrong} is nowhere`);
    const room = (this.#rooms[level] ??= Buffer.alloc(nodeBytes));
    const block = await this.fileSystem.read(place.offsetBytes, nodeBytes, room);
    believe(hasBtrfsChecksum(block, checksum), `${wrong} has a wrong checksum`);
    const isExpected =
      block.readBigUInt64LE(48) === address &&
      block.readUInt8(100) === level &&
      block.readBigUInt64LE(80) === generation;
    believe(isExpected, `${wrong} is not the one that was expected`);
    return block;
  }
}

function* itemsIn(block: Buffer, count: number): Generator<BtrfsItem> {
  for (let index = 0; index < count; index += 1) yield itemAt(block, HEADER_BYTES + index * ITEM_BYTES);
}

function itemAt(block: Buffer, at: number): BtrfsItem {
  const start = HEADER_BYTES + block.readUInt32LE(at + 17);
  const end = start + block.readUInt32LE(at + 21);
  believe(end <= block.length, 'an item of btrfs is outside of its block');
  return {
    objectId: block.readBigUInt64LE(at),
    type: block.readUInt8(at + 8),
    offset: block.readBigUInt64LE(at + 9),
    data: () => block.subarray(start, end),
  };
}
