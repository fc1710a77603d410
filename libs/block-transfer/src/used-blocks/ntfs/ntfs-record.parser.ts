import { believe } from '../map-doubt.js';
import { safeNumber } from '../safe-number.js';

const SECTOR_BYTES = 512;
const END_OF_ATTRIBUTES = 0xffffffff;
export const NTFS_ATTRIBUTE_LIST = 0x20;
export const NTFS_VOLUME_INFORMATION = 0x70;
export const NTFS_DATA = 0x80;
const IN_USE = 1;
/** Up to its first run, of one whose value is not in the record. */
const NON_RESIDENT_BYTES = 64;

/** Contiguous clusters. */
export interface NtfsRun {
  readonly cluster: number;
  readonly clusters: number;
}

export type NtfsAttribute =
  | { readonly type: number; readonly isResident: true; readonly value: Buffer }
  | {
      readonly type: number;
      readonly isResident: false;
      readonly runs: readonly NtfsRun[];
      readonly sizeBytes: number;
    };

/**
 * The unnamed attributes of a record of the master file table. Throws a `MapDoubt` for one that is damaged, not in use,
 * or continued in other records.
 */
export function parseNtfsRecord(raw: Buffer): NtfsAttribute[] {
  const record = withoutFixups(raw, 'FILE');
  believe((record.readUInt16LE(22) & IN_USE) !== 0, 'a record of ntfs that must be there is not in use');
  const attributes: NtfsAttribute[] = [];
  for (let at = record.readUInt16LE(20); ;) {
    believe(at + 8 <= record.length, 'the attributes of a record of ntfs are outside of it');
    if (record.readUInt32LE(at) === END_OF_ATTRIBUTES) return attributes;
    const lengthBytes = record.readUInt32LE(at + 4);
    believe(
      lengthBytes >= 24 && at + lengthBytes + 4 <= record.length,
      'an attribute of ntfs is outside of its record',
    );
    const attribute = record.subarray(at, at + lengthBytes);
    const type = attribute.readUInt32LE(0);
    believe(type !== NTFS_ATTRIBUTE_LIST, 'a record of ntfs is continued in others');
    if (attribute.readUInt8(9) === 0) attributes.push(parseAttribute(type, attribute));
    at += lengthBytes;
  }
}

function parseAttribute(type: number, attribute: Buffer): NtfsAttribute {
  if (attribute.readUInt8(8) === 0) {
    const start = attribute.readUInt16LE(20);
    const end = start + attribute.readUInt32LE(16);
    believe(end <= attribute.length, 'a value of ntfs is outside of its attribute');
    return { type, isResident: true, value: attribute.subarray(start, end) };
  }
  believe(attribute.length >= NON_RESIDENT_BYTES, 'an attribute of ntfs is shorter than its header');
  const isPlain = attribute.readUInt16LE(12) === 0 && attribute.readBigUInt64LE(16) === 0n;
  believe(isPlain, 'an attribute of ntfs is compressed, sparse, or a part of one');
  const runs = parseNtfsRuns(attribute.subarray(attribute.readUInt16LE(32)));
  return { type, isResident: false, runs, sizeBytes: safeNumber(attribute.readBigUInt64LE(48)) };
}

/** Each run: a byte with two lengths, then the number of clusters, then the distance to the run before. */
export function parseNtfsRuns(bytes: Buffer): NtfsRun[] {
  const runs: NtfsRun[] = [];
  let cluster = 0;
  for (let at = 0; ;) {
    believe(at < bytes.length, 'a list of runs of ntfs has no end');
    const sizes = bytes.readUInt8(at);
    if (sizes === 0) return runs;
    const [countBytes, distanceBytes] = [sizes & 0xf, sizes >> 4];
    const next = at + 1 + countBytes + distanceBytes;
    const isKnown = countBytes >= 1 && countBytes <= 6 && distanceBytes >= 1 && distanceBytes <= 6;
    believe(isKnown && next <= bytes.length, 'a list of runs of ntfs is sparse or damaged');
    const clusters = bytes.readUIntLE(at + 1, countBytes);
    cluster += bytes.readIntLE(at + 1 + countBytes, distanceBytes);
    believe(clusters > 0 && cluster >= 0, 'a list of runs of ntfs points before the beginning');
    runs.push({ cluster, clusters });
    at = next;
  }
}

/**
 * The last two bytes of each sector are kept elsewhere, and a number stands in their place, so that a record that was
 * written in part is noticed. Puts them back.
 */
export function withoutFixups(raw: Buffer, magic: string): Buffer {
  believe(raw.toString('latin1', 0, 4) === magic, `a structure of ntfs does not begin with ${magic}`);
  const bytes = Buffer.from(raw);
  const at = bytes.readUInt16LE(4);
  const count = bytes.readUInt16LE(6);
  believe(count >= 2 && at + 2 * count <= SECTOR_BYTES - 2, 'the fixups of ntfs are damaged');
  believe((count - 1) * SECTOR_BYTES <= bytes.length, 'the fixups of ntfs are damaged');
  for (let sector = 1; sector < count; sector += 1) {
    const end = sector * SECTOR_BYTES - 2;
    believe(bytes.readUInt16LE(end) === bytes.readUInt16LE(at), 'a structure of ntfs was written in part');
    bytes.writeUInt16LE(bytes.readUInt16LE(at + 2 * sector), end);
  }
  return bytes;
}
