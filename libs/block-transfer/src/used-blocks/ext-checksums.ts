import { crc32c } from './crc32c.js';
import type { ExtChecksums, ExtMetadataChecksums } from './ext-superblock.parser.js';

const DESCRIPTOR_CHECKSUM_OFFSET = 0x1e;
const SUPERBLOCK_CHECKSUM_OFFSET = 0x3fc;
const BITMAP_CHECKSUM_LOW_OFFSET = 0x18;
const BITMAP_CHECKSUM_HIGH_OFFSET = 0x38;
const CRC16_POLYNOMIAL = 0xa001;

/** Whether the superblock's own checksum fits. Those of other kinds than `crc32c` have none. */
export function fitsSuperblock({ kind }: ExtChecksums, superblock: Buffer): boolean {
  if (kind !== 'crc32c') return true;
  const sum = ext4Crc(0xffffffff, superblock.subarray(0, SUPERBLOCK_CHECKSUM_OFFSET));
  return sum === superblock.readUInt32LE(SUPERBLOCK_CHECKSUM_OFFSET);
}

/** Whether the checksum in a group descriptor fits. */
export function fitsDescriptor(checksums: ExtChecksums, group: number, descriptor: Buffer): boolean {
  if (checksums.kind === 'none') return true;
  const stored = descriptor.readUInt16LE(DESCRIPTOR_CHECKSUM_OFFSET);
  const number = Buffer.alloc(4);
  number.writeUInt32LE(group);
  const before = descriptor.subarray(0, DESCRIPTOR_CHECKSUM_OFFSET);
  const behind = descriptor.subarray(DESCRIPTOR_CHECKSUM_OFFSET + 2);
  if (checksums.kind === 'crc16') return crc16(Buffer.concat([checksums.uuid, number, before, behind])) === stored;
  const whole = Buffer.concat([number, before, Buffer.alloc(2), behind]);
  return (ext4Crc(seedOf(checksums), whole) & 0xffff) === stored;
}

/** Whether the checksum in its group's descriptor fits a block bitmap. @param bitmap just the bytes with bits of the group */
export function fitsBitmap(checksums: ExtMetadataChecksums, descriptor: Buffer, bitmap: Buffer): boolean {
  const sum = ext4Crc(seedOf(checksums), bitmap);
  if ((sum & 0xffff) !== descriptor.readUInt16LE(BITMAP_CHECKSUM_LOW_OFFSET)) return false;
  const hasHigh = descriptor.length >= BITMAP_CHECKSUM_HIGH_OFFSET + 2;
  return !hasHigh || sum >>> 16 === descriptor.readUInt16LE(BITMAP_CHECKSUM_HIGH_OFFSET);
}

function seedOf({ seed, uuid }: ExtMetadataChecksums): number {
  return seed ?? ext4Crc(0xffffffff, uuid);
}

/** CRC-32C as ext4 uses it: the library inverts seed and result, as is usual; ext4 inverts neither. */
function ext4Crc(seed: number, bytes: Buffer): number {
  return ~crc32c(bytes, ~seed) >>> 0;
}

/** CRC-16/ARC from 0xffff: over the 32 bytes or so of a descriptor, so bit by bit. */
function crc16(bytes: Buffer): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ CRC16_POLYNOMIAL;
  }
  return crc;
}
