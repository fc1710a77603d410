import { crc32c } from '../crc32c.js';
import type { StillFileSystem } from '../still-file-system.js';

const NODE_BYTES = 65_536;
const HEADER_BYTES = 101;
const ITEM_BYTES = 25;
const ITEMS_PER_LEAF = Math.floor((NODE_BYTES - HEADER_BYTES) / ITEM_BYTES);
const GENERATION = 7n;
const DEVICE_ID = 1n;

export interface FakeChunk {
  /** Its first logical address. */
  readonly start: number;
  readonly lengthBytes: number;
  /** Where it is on the device, once for each copy. */
  readonly places: readonly number[];
}

interface Item {
  readonly objectId: number;
  readonly type: number;
  readonly offset: number;
  readonly data?: Buffer;
}

/**
 * A made-up btrfs: as much of it as a map needs. Blocks of trees are at the beginning of the first chunk, which has the
 * lowest addresses.
 *
 * @param extents of files, at logical addresses behind the first chunk, in order
 * @returns the file system, and how many bytes of the first chunk its trees take
 */
export function fakeBtrfs(
  deviceBytes: number,
  chunks: readonly FakeChunk[],
  extents: readonly { readonly address: number; readonly lengthBytes: number }[],
): { fileSystem: StillFileSystem; treeBytes: number } {
  const base = chunks[0]?.start ?? 0;
  const [leaves, nodes] = treeSize(extents.length);
  const addressOf = (node: number): number => base + node * NODE_BYTES;
  const own = Array.from({ length: nodes }, (_, node): Item => ({ objectId: addressOf(node), type: 169, offset: 0 }));
  const files = extents.map(({ address, lengthBytes }): Item => ({
    objectId: address,
    type: 168,
    offset: lengthBytes,
  }));
  const all = [...own, ...files];
  const blocks = new Map<number, Buffer>();
  const put = (node: number, level: number, fill: (block: Buffer) => void): void => {
    blocks.set(addressOf(node), sealed(addressOf(node), level, fill));
  };
  put(0, 0, (block) =>
    writeItems(
      block,
      chunks.map((chunk) => ({ objectId: 256, type: 228, offset: chunk.start, data: chunkItem(chunk) })),
    ),
  );
  const root = leaves === 1 ? 2 : 2 + leaves;
  put(1, 0, (block) =>
    writeItems(block, [{ objectId: 2, type: 132, offset: 0, data: rootItem(addressOf(root), leaves) }]),
  );
  for (let leaf = 0; leaf < leaves; leaf += 1) {
    put(2 + leaf, 0, (block) => writeItems(block, all.slice(leaf * ITEMS_PER_LEAF, (leaf + 1) * ITEMS_PER_LEAF)));
  }
  if (leaves > 1) {
    put(root, 1, (block) => {
      block.writeUInt32LE(leaves, 96);
      for (let leaf = 0; leaf < leaves; leaf += 1) {
        block.writeBigUInt64LE(BigInt(addressOf(2 + leaf)), HEADER_BYTES + leaf * 33 + 17);
        block.writeBigUInt64LE(GENERATION, HEADER_BYTES + leaf * 33 + 25);
      }
    });
  }
  const usedBytes = nodes * NODE_BYTES + extents.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  const superblock = superblockOf(deviceBytes, chunks, usedBytes, [addressOf(1), addressOf(0)]);
  const offset = (chunks[0]?.places[0] ?? 0) - base;
  return {
    treeBytes: nodes * NODE_BYTES,
    fileSystem: {
      startBytes: 0,
      sizeBytes: deviceBytes,
      read: (offsetBytes) =>
        Promise.resolve(offsetBytes === 65_536 ? superblock : blockAt(blocks, offsetBytes - offset)),
    },
  };
}

function blockAt(blocks: ReadonlyMap<number, Buffer>, address: number): Buffer {
  const block = blocks.get(address);
  if (block === undefined) throw new Error(`nothing at ${address}`);
  return block;
}

/** Leaves of the extent tree, and blocks of all trees: these are in the extent tree, too. */
function treeSize(extents: number): [leaves: number, nodes: number] {
  for (let leaves = 1; ; leaves += 1) {
    const nodes = 2 + leaves + (leaves > 1 ? 1 : 0);
    if (extents + nodes <= leaves * ITEMS_PER_LEAF) return [leaves, nodes];
  }
}

function sealed(address: number, level: number, fill: (block: Buffer) => void): Buffer {
  const block = Buffer.alloc(NODE_BYTES);
  block.writeBigUInt64LE(BigInt(address), 48);
  block.writeBigUInt64LE(GENERATION, 80);
  block.writeUInt8(level, 100);
  fill(block);
  block.writeUInt32LE(crc32c(block.subarray(32)));
  return block;
}

function writeItems(block: Buffer, items: readonly Item[]): void {
  block.writeUInt32LE(items.length, 96);
  let end = block.length - HEADER_BYTES;
  for (const [index, { objectId, type, offset, data = Buffer.alloc(0) }] of items.entries()) {
    const at = HEADER_BYTES + index * ITEM_BYTES;
    end -= data.length;
    writeKey(block, at, objectId, type, offset);
    block.writeUInt32LE(end, at + 17);
    block.writeUInt32LE(data.length, at + 21);
    data.copy(block, HEADER_BYTES + end);
  }
}

function writeKey(block: Buffer, at: number, objectId: number, type: number, offset: number): void {
  block.writeBigUInt64LE(BigInt(objectId), at);
  block.writeUInt8(type, at + 8);
  block.writeBigUInt64LE(BigInt(offset), at + 9);
}

function chunkItem({ lengthBytes, places }: FakeChunk): Buffer {
  const item = Buffer.alloc(48 + places.length * 32);
  item.writeBigUInt64LE(BigInt(lengthBytes), 0);
  item.writeBigUInt64LE(places.length === 2 ? 0x21n : 1n, 24);
  item.writeUInt16LE(places.length, 44);
  for (const [index, place] of places.entries()) {
    item.writeBigUInt64LE(DEVICE_ID, 48 + index * 32);
    item.writeBigUInt64LE(BigInt(place), 56 + index * 32);
  }
  return item;
}

function rootItem(address: number, leaves: number): Buffer {
  const item = Buffer.alloc(239);
  item.writeBigUInt64LE(GENERATION, 160);
  item.writeBigUInt64LE(BigInt(address), 176);
  item.writeUInt8(leaves > 1 ? 1 : 0, 238);
  return item;
}

function superblockOf(
  deviceBytes: number,
  chunks: readonly FakeChunk[],
  usedBytes: number,
  [root, chunkRoot]: readonly [number, number],
): Buffer {
  const block = Buffer.alloc(4096);
  block.write('_BHRfS_M', 64, 'latin1');
  const words = { 48: 65_536, 56: 1, 80: root, 88: chunkRoot, 120: usedBytes, 136: 1, 201: 1, 209: deviceBytes };
  for (const [at, value] of Object.entries(words)) block.writeBigUInt64LE(BigInt(value), Number(at));
  block.writeBigUInt64LE(GENERATION, 72);
  block.writeBigUInt64LE(GENERATION, 164);
  block.writeUInt32LE(NODE_BYTES, 148);
  let at = 811;
  for (const chunk of chunks.slice(0, 1)) {
    const item = chunkItem(chunk);
    writeKey(block, at, 256, 228, chunk.start);
    item.copy(block, at + 17);
    at += 17 + item.length;
  }
  block.writeUInt32LE(at - 811, 160);
  block.writeUInt32LE(crc32c(block.subarray(32)));
  return block;
}
