import * as z from 'zod';
import { unreadableOutput } from './unreadable-output.js';

/**
 * Columns that `lsblk` has had since it speaks JSON (util-linux 2.27). Newer ones (PATH, START, MOUNTPOINTS) would
 * leave out older machines; paths come from `-p`, mount points from the kernel's mount table.
 */
const COLUMNS = 'NAME,KNAME,TYPE,SIZE,RO,RM,TRAN,HCTL,SERIAL,WWN,LOG-SEC,FSTYPE,UUID,LABEL,MAJ:MIN';
export const LSBLK_ARGUMENTS: readonly string[] = ['--json', '--bytes', '--paths', '-o', COLUMNS];

/** A device as `lsblk` shows it; sizes in bytes. */
export interface BlockDevice {
  readonly path: string;
  readonly kernelName: string;
  /** `disk`, `part`, `loop`, `lvm`, `raid1`, `mpath`, `rom`, ... */
  readonly type: string;
  readonly sizeBytes: number;
  readonly logicalSectorBytes: number;
  readonly readOnly: boolean;
  readonly removable: boolean;
  readonly transport: string | null;
  readonly scsiAddress: string | null;
  readonly serial: string | null;
  readonly wwn: string | null;
  readonly fileSystemType: string | null;
  readonly uuid: string | null;
  readonly label: string | null;
  /** `major:minor` */
  readonly deviceNumber: string;
  readonly children: readonly BlockDevice[];
}

// Before util-linux 2.33 every value is a string.
const size = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]).pipe(z.number().int().nonnegative());
const flag = z.union([z.boolean(), z.enum(['0', '1']).transform((text) => text === '1')]);
const text = z
  .string()
  .nullish()
  .transform((value) => {
    const trimmed = value?.trim() ?? '';
    return trimmed === '' ? null : trimmed;
  });

const row = z.object({
  name: z.string().min(1),
  kname: z.string().min(1),
  type: z.string().min(1),
  size,
  ro: flag,
  rm: flag,
  tran: text,
  hctl: text,
  serial: text,
  wwn: text,
  'log-sec': size,
  fstype: text,
  uuid: text,
  label: text,
  'maj:min': z.string().trim(),
  children: z.array(z.unknown()).default([]),
});
const listing = z.object({ blockdevices: z.array(z.unknown()) });

/**
 * The device trees in what `lsblk` printed with {@link LSBLK_ARGUMENTS}.
 * @throws InventoryError `TOOL_OUTPUT_UNREADABLE`
 */
export function parseLsblk(output: string): BlockDevice[] {
  try {
    return listing.parse(JSON.parse(output)).blockdevices.map(toBlockDevice);
  } catch (error) {
    throw unreadableOutput('lsblk', error);
  }
}

function toBlockDevice(value: unknown): BlockDevice {
  const device = row.parse(value);
  return {
    path: device.name,
    kernelName: device.kname.replace(/^\/dev\//, ''),
    type: device.type,
    sizeBytes: device.size,
    logicalSectorBytes: device['log-sec'],
    readOnly: device.ro,
    removable: device.rm,
    transport: device.tran,
    scsiAddress: device.hctl,
    serial: device.serial,
    wwn: device.wwn,
    fileSystemType: device.fstype,
    uuid: device.uuid,
    label: device.label,
    deviceNumber: device['maj:min'],
    children: device.children.map(toBlockDevice),
  };
}
