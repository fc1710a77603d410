import { believe } from './map-doubt.js';

/** The boot region that is checked: eleven sectors, and a twelfth that repeats their checksum. */
export const EXFAT_BOOT_SECTORS = 12;
export const EXFAT_BOOT_BYTES = 512;
/** The first cluster's number; entries 0 and 1 of the table mean something else. */
export const FIRST_EXFAT_CLUSTER = 2;

const MAX_CLUSTERS = 2 ** 32 - 11;
const VolumeFlag = { SECOND_TABLE: 0x1, DIRTY: 0x2, MEDIA_FAILURE: 0x4 } as const;
/** Bytes that change while the file system is in use, and are left out of the checksum. */
const UNCHECKED_BYTES = new Set([106, 107, 112]);

/** The layout of an exFAT file system, in bytes from its beginning. */
export interface ExfatLayout {
  readonly sectorBytes: number;
  readonly tableStartBytes: number;
  readonly clustersStartBytes: number;
  readonly clusterBytes: number;
  readonly clusters: number;
  readonly rootCluster: number;
  readonly clean: boolean;
}

/**
 * Reads the first boot sector. Throws a `MapDoubt` where its parts do not fit each other, and for what is not exFAT with
 * one table. Source: Microsoft, exFAT file system specification, sections 3.1 and 3.4.
 */
export function parseExfatBoot(boot: Buffer, partitionBytes: number): ExfatLayout {
  believe(boot.length >= EXFAT_BOOT_BYTES && boot.readUInt16LE(510) === 0xaa55, 'no boot sector');
  believe(boot.toString('latin1', 3, 11) === 'EXFAT   ' && isZero(boot.subarray(11, 64)), 'no exFAT');
  believe(boot.readUInt16LE(104) >>> 8 === 1, 'an unknown version of exFAT');
  const sectorShift = boot.readUInt8(108);
  const clusterShift = boot.readUInt8(109);
  believe(sectorShift >= 9 && sectorShift <= 12, `sectors of 2^${sectorShift} bytes`);
  believe(sectorShift + clusterShift <= 25, `clusters of 2^${clusterShift} sectors`);
  const flags = boot.readUInt16LE(106);
  believe(boot.readUInt8(110) === 1 && (flags & VolumeFlag.SECOND_TABLE) === 0, 'more than one table');
  believe((flags & VolumeFlag.MEDIA_FAILURE) === 0, 'failures of the medium have been recorded in it');
  const [tableSector, tableSectors] = [boot.readUInt32LE(80), boot.readUInt32LE(84)];
  const [clustersSector, clusters] = [boot.readUInt32LE(88), boot.readUInt32LE(92)];
  const sectors = boot.readUInt32LE(72) + boot.readUInt32LE(76) * 2 ** 32;
  const sectorBytes = 2 ** sectorShift;
  believe(sectors * sectorBytes <= partitionBytes, `${sectors} sectors in a partition of ${partitionBytes} bytes`);
  believe(tableSector >= 2 * EXFAT_BOOT_SECTORS && tableSector + tableSectors <= clustersSector, 'a table elsewhere');
  believe(clusters > 0 && clusters <= MAX_CLUSTERS, `${clusters} clusters`);
  believe(clustersSector + clusters * 2 ** clusterShift <= sectors, `${clusters} clusters behind the end`);
  believe(tableSectors * sectorBytes >= (clusters + FIRST_EXFAT_CLUSTER) * 4, `a table of ${tableSectors} sectors`);
  const rootCluster = boot.readUInt32LE(96);
  const hasRoot = rootCluster >= FIRST_EXFAT_CLUSTER && rootCluster < clusters + FIRST_EXFAT_CLUSTER;
  believe(hasRoot, `a root directory in cluster ${rootCluster}`);
  return {
    ...{ sectorBytes, clusters, rootCluster },
    tableStartBytes: tableSector * sectorBytes,
    clustersStartBytes: clustersSector * sectorBytes,
    clusterBytes: sectorBytes * 2 ** clusterShift,
    clean: (flags & VolumeFlag.DIRTY) === 0,
  };
}

/** Whether the boot region's last sector holds, again and again, the checksum of the eleven before. */
export function fitsBootRegion(region: Buffer, sectorBytes: number): boolean {
  const checked = region.subarray(0, (EXFAT_BOOT_SECTORS - 1) * sectorBytes);
  let sum = 0;
  for (const [index, byte] of checked.entries()) {
    if (UNCHECKED_BYTES.has(index)) continue;
    sum = (((sum << 31) | (sum >>> 1)) + byte) >>> 0;
  }
  for (let offset = checked.length; offset < checked.length + sectorBytes; offset += 4) {
    if (region.readUInt32LE(offset) !== sum) return false;
  }
  return true;
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
