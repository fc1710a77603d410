import type { PreCheck } from '../pre-check-input.js';

/** Virtual disks have this sector size unless a platform says otherwise. */
const TARGET_SECTOR_BYTES = 512;

/** Partition tables count in sectors: copied to a disk with other sectors, they point elsewhere. */
export const sectorSizeDiffers: PreCheck = ({ inventory }) =>
  inventory.disks
    .filter(
      ({ partitionTable, logicalSectorBytes }) =>
        partitionTable !== 'none' && logicalSectorBytes !== TARGET_SECTOR_BYTES,
    )
    .map(({ diskId, device, logicalSectorBytes }) => ({
      code: 'PRECHECK.SECTOR_SIZE_DIFFERS',
      severity: 'warning',
      title: 'Sector size differs',
      text:
        `The partition table of ${device} counts in sectors of ${logicalSectorBytes} bytes. ` +
        `On a target disk with sectors of ${TARGET_SECTOR_BYTES} bytes its partitions are not found.`,
      remedy: `Give the target VM a disk with sectors of ${logicalSectorBytes} bytes, and rehearse before the cutover.`,
      diskId,
    }));
