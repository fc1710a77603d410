import { believe } from './map-doubt.js';

export const FAT_BOOT_BYTES = 512;

/** The layout of a FAT file system, in bytes from its beginning. */
export interface FatLayout {
  /** Bits of an entry in a table. */
  readonly entryBits: 12 | 16 | 32;
  readonly firstTableBytes: number;
  readonly tableBytes: number;
  readonly tables: number;
  /** Where cluster 2 begins: behind the tables and, but for FAT32, the root directory. */
  readonly clustersStartBytes: number;
  readonly clusterBytes: number;
  readonly clusters: number;
  readonly mediaDescriptor: number;
  /** Null: the root directory lies before the clusters. */
  readonly rootCluster: number | null;
  /** Not marked as in use by Linux. Windows marks the table instead. */
  readonly clean: boolean;
}

/** The first cluster's number; entries 0 and 1 of a table mean something else. */
export const FIRST_FAT_CLUSTER = 2;
const MAX_CLUSTERS = { 12: 4084, 16: 65_524, 32: 0x0ffffff4 } as const;
const DIRECTORY_ENTRY_BYTES = 32;
const IN_USE = 0x1;

/**
 * Reads the boot sector of FAT12, FAT16 or FAT32. Throws a `MapDoubt` where its parts do not fit each other.
 * Which of the three it is: FAT32 when the 16-bit length of a table is 0, else by the number of clusters, as Linux and
 * UEFI firmware decide. Source: Microsoft, FAT32 File System Specification 1.03.
 */
export function parseFatBoot(boot: Buffer, partitionBytes: number): FatLayout {
  believe(boot.length >= FAT_BOOT_BYTES && boot.readUInt16LE(0x1fe) === 0xaa55, 'no boot sector');
  const sectorBytes = boot.readUInt16LE(0x0b);
  const clusterSectors = boot.readUInt8(0x0d);
  believe(sectorBytes >= 512 && sectorBytes <= 4096 && isPowerOf2(sectorBytes), `sectors of ${sectorBytes} bytes`);
  believe(isPowerOf2(clusterSectors), `clusters of ${clusterSectors} sectors`);
  const reserved = boot.readUInt16LE(0x0e);
  const tables = boot.readUInt8(0x10);
  const mediaDescriptor = boot.readUInt8(0x15);
  believe(reserved > 0 && tables > 0, `${reserved} reserved sectors, ${tables} tables`);
  believe(mediaDescriptor === 0xf0 || mediaDescriptor >= 0xf8, `media descriptor ${mediaDescriptor}`);
  const shortTable = boot.readUInt16LE(0x16);
  const isFat32 = shortTable === 0;
  const tableSectors = isFat32 ? boot.readUInt32LE(0x24) : shortTable;
  const rootEntries = boot.readUInt16LE(0x11);
  believe(isFat32 === (rootEntries === 0), `${rootEntries} entries in the root directory`);
  believe(!isFat32 || boot.readUInt16LE(0x2a) === 0, 'an unknown version of FAT32');
  const rootSectors = Math.ceil((rootEntries * DIRECTORY_ENTRY_BYTES) / sectorBytes);
  const sectors = boot.readUInt16LE(0x13) || boot.readUInt32LE(0x20);
  believe(sectors * sectorBytes <= partitionBytes, `${sectors} sectors in a partition of ${partitionBytes} bytes`);
  const firstSector = reserved + tables * tableSectors + rootSectors;
  const clusters = Math.floor((sectors - firstSector) / clusterSectors);
  believe(clusters > 0, `${clusters} clusters`);
  const entryBits = isFat32 ? 32 : clusters <= MAX_CLUSTERS[12] ? 12 : 16;
  believe(clusters <= MAX_CLUSTERS[entryBits], `${clusters} clusters`);
  const tableBytes = tableSectors * sectorBytes;
  believe(tableBytes * 8 >= (clusters + FIRST_FAT_CLUSTER) * entryBits, `a table of ${tableBytes} bytes`);
  const rootCluster = isFat32 ? boot.readUInt32LE(0x2c) : null;
  believe(
    rootCluster === null || (rootCluster >= FIRST_FAT_CLUSTER && rootCluster < clusters + FIRST_FAT_CLUSTER),
    `a root directory in cluster ${rootCluster ?? ''}`,
  );
  return {
    ...{ entryBits, tables, tableBytes, clusters, mediaDescriptor, rootCluster },
    firstTableBytes: reserved * sectorBytes,
    clustersStartBytes: firstSector * sectorBytes,
    clusterBytes: clusterSectors * sectorBytes,
    clean: (boot.readUInt8(isFat32 ? 0x41 : 0x25) & IN_USE) === 0,
  };
}

function isPowerOf2(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}
