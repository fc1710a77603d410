import { believe } from '../map-doubt.js';
import { safeNumber } from '../safe-number.js';

export const NTFS_BOOT_BYTES = 512;

export interface NtfsGeometry {
  readonly clusterBytes: number;
  /** Whole clusters; a rest of sectors behind them, and the copy of the boot sector, belong to none. */
  readonly clusters: number;
  readonly recordBytes: number;
  readonly tableCluster: number;
}

/** @param head the beginning of a file system */
export function isNtfs(head: Buffer): boolean {
  return head.toString('latin1', 3, 11) === 'NTFS    ';
}

/** Reads the boot sector of an ntfs. Throws a `MapDoubt`. */
export function parseNtfsBoot(bytes: Buffer): NtfsGeometry {
  believe(isNtfs(bytes) && bytes.readUInt16LE(510) === 0xaa55, 'no boot sector of ntfs');
  const sectorBytes = bytes.readUInt16LE(11);
  believe([512, 1024, 2048, 4096].includes(sectorBytes), `ntfs has sectors of ${sectorBytes} bytes`);
  const perCluster = bytes.readUInt8(13);
  const sectorsPerCluster = perCluster > 0x80 ? 2 ** (256 - perCluster) : perCluster;
  const clusterBytes = sectorsPerCluster * sectorBytes;
  believe(
    Number.isInteger(Math.log2(clusterBytes)) && clusterBytes <= 2 ** 21,
    `ntfs has clusters of ${clusterBytes} bytes`,
  );
  const perRecord = bytes.readInt8(64);
  const recordBytes = perRecord < 0 ? 2 ** -perRecord : perRecord * clusterBytes;
  believe(recordBytes >= 512 && recordBytes <= 65_536, `ntfs has records of ${recordBytes} bytes`);
  const clusters = Math.floor(safeNumber(bytes.readBigUInt64LE(40)) / sectorsPerCluster);
  const tableCluster = safeNumber(bytes.readBigUInt64LE(48));
  believe(clusters > 0 && tableCluster < clusters, 'the boot sector of ntfs contradicts itself');
  safeNumber(BigInt(clusters) * BigInt(clusterBytes));
  return { clusterBytes, clusters, recordBytes, tableCluster };
}
