import { believe, MapDoubt } from '../map-doubt.js';
import type { StillFileSystem } from '../still-file-system.js';
import {
  LVM_AREA_HEADER_BYTES,
  LVM_LABEL_AREA_BYTES,
  lvmChecksum,
  parseLvmAreaHeader,
  parseLvmLabel,
  type LvmArea,
} from './lvm-label.parser.js';
import { parseLvmText } from './lvm-text.parser.js';
import { interpretLvm, type LvmVolumeGroup } from './lvm-volume-group.js';

export interface LvmMetadata {
  readonly text: string;
  readonly group: LvmVolumeGroup;
}

/**
 * Reads LVM's metadata from a physical volume itself. LVM writes it with O_DIRECT, and so it is read. A copy that lags
 * behind those on other disks of the group can only show more in use than there is: nothing is allocated on a physical
 * volume without writing to it.
 *
 * Throws a `MapDoubt` when there is none, when it is damaged, or when its copies differ.
 */
export async function readLvmMetadata(physicalVolume: StillFileSystem): Promise<LvmMetadata> {
  const label = parseLvmLabel(await physicalVolume.read(0, LVM_LABEL_AREA_BYTES));
  const texts = new Set<string>();
  for (const area of label.metadataAreas) {
    const text = await readText(physicalVolume, area);
    if (text !== null) texts.add(text);
  }
  const [text, ...others] = texts;
  if (text === undefined) throw new MapDoubt('the physical volume of LVM keeps no metadata');
  believe(others.length === 0, 'the copies of the metadata of LVM differ');
  return { text, group: interpretLvm(parseLvmText(text), label.physicalVolumeId) };
}

async function readText(physicalVolume: StillFileSystem, area: LvmArea): Promise<string | null> {
  const header = await physicalVolume.read(area.offsetBytes, LVM_AREA_HEADER_BYTES);
  const place = parseLvmAreaHeader(header, area);
  if (place === null) return null;
  const pieces: Buffer[] = [];
  for (const { offsetBytes, sizeBytes } of place.pieces) pieces.push(await physicalVolume.read(offsetBytes, sizeBytes));
  const bytes = Buffer.concat(pieces);
  believe(lvmChecksum(bytes) === place.checksum, 'the metadata of LVM has a wrong checksum');
  // A text ends with a zero byte.
  return bytes.toString('utf8').replace(/\0+$/, '');
}
