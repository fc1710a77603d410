import { crc32c } from './crc32c.js';
import { countFree, markUsed } from './bitmap-runs.js';

/** A made-up ext file system of three groups with blocks of 1 KiB: as much of it as a map needs. */
export const FAKE_GROUPS = 3;
export const FAKE_GROUP_BLOCKS = 256;
export const FAKE_BLOCKS = 1 + FAKE_GROUPS * FAKE_GROUP_BLOCKS - 20;
const BLOCK_BYTES = 1024;
const DESCRIPTORS_BLOCK = 2;
const UUID = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
/** In each group: superblock and descriptors in 0 and 1, then bitmaps, then a table of one block. */
export const FAKE_METADATA_BLOCKS = 5;

/** @param used of each group, the blocks in use beside metadata, by their place in the group */
export function fakeExt(
  used: readonly (readonly number[])[],
  fields: { incompat?: number; roCompat?: number } = {},
): Buffer {
  const image = Buffer.alloc((1 + FAKE_GROUPS * FAKE_GROUP_BLOCKS) * BLOCK_BYTES);
  writeSuperblock(image, fields.incompat ?? 0x2, fields.roCompat ?? 0x400);
  for (let group = 0; group < FAKE_GROUPS; group += 1) {
    const first = 1 + group * FAKE_GROUP_BLOCKS;
    const descriptor = image.subarray(DESCRIPTORS_BLOCK * BLOCK_BYTES + group * 32).subarray(0, 32);
    for (const [index, offset] of [0x00, 0x04, 0x08].entries()) descriptor.writeUInt32LE(first + 2 + index, offset);
    const bitmap = image.subarray(bitmapOffset(group), bitmapOffset(group) + FAKE_GROUP_BLOCKS / 8);
    for (const bit of [0, 1, 2, 3, 4, ...(used[group] ?? [])]) markUsed(bitmap, bit, bit + 1);
    sealDescriptor(image, group);
  }
  return image;
}

export function bitmapOffset(group: number): number {
  return (1 + group * FAKE_GROUP_BLOCKS + 2) * BLOCK_BYTES;
}

/** Makes a group's descriptor fit its bitmap, and itself. */
export function sealDescriptor(image: Buffer, group: number): void {
  const descriptor = image.subarray(DESCRIPTORS_BLOCK * BLOCK_BYTES + group * 32).subarray(0, 32);
  const bitmap = image.subarray(bitmapOffset(group), bitmapOffset(group) + FAKE_GROUP_BLOCKS / 8);
  const blocks = Math.min(FAKE_GROUP_BLOCKS, FAKE_BLOCKS - 1 - group * FAKE_GROUP_BLOCKS);
  descriptor.writeUInt16LE(countFree(bitmap, blocks), 0x0c);
  descriptor.writeUInt16LE(sum(UUID, bitmap) & 0xffff, 0x18);
  descriptor.writeUInt16LE(0, 0x1e);
  const number = Buffer.alloc(4);
  number.writeUInt32LE(group);
  descriptor.writeUInt16LE(sum(UUID, number, descriptor) & 0xffff, 0x1e);
}

/** Changes the superblock, and makes its checksum fit. */
export function changeSuperblock(image: Buffer, change: (superblock: Buffer) => void): void {
  const superblock = image.subarray(1024, 2048);
  change(superblock);
  superblock.writeUInt32LE(sum(superblock.subarray(0, 0x3fc)), 0x3fc);
}

function writeSuperblock(image: Buffer, incompat: number, roCompat: number): void {
  changeSuperblock(image, (superblock) => {
    const words = {
      0x00: 24,
      0x04: FAKE_BLOCKS,
      0x14: 1,
      0x20: FAKE_GROUP_BLOCKS,
      0x24: FAKE_GROUP_BLOCKS,
      0x28: 8,
      0x4c: 1,
    };
    for (const [offset, value] of Object.entries(words)) superblock.writeUInt32LE(value, Number(offset));
    superblock.writeUInt16LE(0xef53, 0x38);
    superblock.writeUInt16LE(1, 0x3a);
    superblock.writeUInt16LE(128, 0x58);
    superblock.writeUInt32LE(incompat, 0x60);
    superblock.writeUInt32LE(roCompat, 0x64);
    UUID.copy(superblock, 0x68);
    superblock.writeUInt8(1, 0x175);
  });
}

function sum(...parts: Buffer[]): number {
  return ~crc32c(Buffer.concat(parts)) >>> 0;
}
