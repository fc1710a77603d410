import { crc32 } from 'node:zlib';
import { believe } from '../map-doubt.js';
import { safeNumber } from '../safe-number.js';

export const LVM_SECTOR_BYTES = 512;
/** The label is in one of the first four sectors. */
export const LVM_LABEL_AREA_BYTES = 4 * LVM_SECTOR_BYTES;
export const LVM_AREA_HEADER_BYTES = 512;
const AREA_MAGIC = ' LVM2 x[5A%r0N*>';
/** The text has some hundred bytes for each volume. */
const TEXT_MAX_BYTES = 64 * 1024 * 1024;
const CHECKSUM_SEED = 0xf597a6cf;
const ID_CHARACTERS = 32;
const LOCATION_BYTES = 16;
const IGNORED = 1;

export interface LvmArea {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export interface LvmLabel {
  /** 32 characters, without the dashes that people see. */
  readonly physicalVolumeId: string;
  readonly metadataAreas: readonly LvmArea[];
}

/** Reads the label of a physical volume. @param bytes its first {@link LVM_LABEL_AREA_BYTES} */
export function parseLvmLabel(bytes: Buffer): LvmLabel {
  for (let sector = 0; sector < bytes.length / LVM_SECTOR_BYTES; sector += 1) {
    const label = bytes.subarray(sector * LVM_SECTOR_BYTES, (sector + 1) * LVM_SECTOR_BYTES);
    if (label.toString('latin1', 0, 8) !== 'LABELONE' || label.toString('latin1', 24, 32) !== 'LVM2 001') continue;
    believe(label.readBigUInt64LE(8) === BigInt(sector), 'the label of LVM belongs elsewhere');
    believe(label.readUInt32LE(16) === lvmChecksum(label.subarray(20)), 'the label of LVM has a wrong checksum');
    return parseHeader(label.subarray(label.readUInt32LE(20)));
  }
  believe(false, 'no label of LVM');
}

function parseHeader(header: Buffer): LvmLabel {
  const physicalVolumeId = header.toString('latin1', 0, ID_CHARACTERS);
  const [dataAreas, afterData] = locations(header, 40);
  believe(dataAreas.length === 1, 'a physical volume of LVM without its one data area');
  const [metadataAreas] = locations(header, afterData);
  return { physicalVolumeId, metadataAreas };
}

/** Pairs of offset and size up to one of zeros. */
function locations(header: Buffer, from: number): [LvmArea[], number] {
  const found: LvmArea[] = [];
  for (let at = from; at + LOCATION_BYTES <= header.length; at += LOCATION_BYTES) {
    const offset = header.readBigUInt64LE(at);
    if (offset === 0n) return [found, at + LOCATION_BYTES];
    found.push({ offsetBytes: safeNumber(offset), sizeBytes: safeNumber(header.readBigUInt64LE(at + 8)) });
  }
  believe(false, 'the label of LVM has no end');
}

/** Where in its area the present text is, in the order in which it is read; null when this area keeps none. */
export interface LvmTextPlace {
  readonly pieces: readonly LvmArea[];
  readonly checksum: number;
}

/** Reads the header of a metadata area. @param bytes its first {@link LVM_AREA_HEADER_BYTES} */
export function parseLvmAreaHeader(bytes: Buffer, area: LvmArea): LvmTextPlace | null {
  believe(bytes.readUInt32LE(0) === lvmChecksum(bytes.subarray(4)), 'a metadata area of LVM has a wrong checksum');
  believe(bytes.toString('latin1', 4, 20) === AREA_MAGIC && bytes.readUInt32LE(20) === 1, 'no metadata area of LVM');
  believe(bytes.readBigUInt64LE(24) === BigInt(area.offsetBytes), 'a metadata area of LVM belongs elsewhere');
  const offset = safeNumber(bytes.readBigUInt64LE(40));
  const size = safeNumber(bytes.readBigUInt64LE(48));
  if (offset === 0 || size === 0 || (bytes.readUInt32LE(60) & IGNORED) !== 0) return null;
  const fits = offset >= LVM_AREA_HEADER_BYTES && offset < area.sizeBytes && size <= TEXT_MAX_BYTES;
  believe(fits && size <= area.sizeBytes - LVM_AREA_HEADER_BYTES, 'the metadata of LVM is outside of its area');
  // The area is a ring behind its header.
  const first = Math.min(size, area.sizeBytes - offset);
  const pieces = [
    { offsetBytes: area.offsetBytes + offset, sizeBytes: first },
    { offsetBytes: area.offsetBytes + LVM_AREA_HEADER_BYTES, sizeBytes: size - first },
  ].filter((piece) => piece.sizeBytes > 0);
  return { pieces, checksum: bytes.readUInt32LE(56) };
}

/** CRC-32 with a seed of LVM's own, and without the inversions before and after. */
export function lvmChecksum(bytes: Uint8Array): number {
  return ~crc32(bytes, ~CHECKSUM_SEED >>> 0) >>> 0;
}
