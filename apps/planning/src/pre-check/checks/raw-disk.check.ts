import type { PreCheck } from '../pre-check-input.js';

/**
 * R12: a disk with neither partitions nor a file system is refused, unless the operator asks for its non-zero blocks.
 * A disk that could not be examined is not known to be raw, and is a concern of its own.
 */
export const rawDisk: PreCheck = ({ inventory, options }) =>
  inventory.disks
    .filter(
      ({ partitions, fileSystem, examinationError }) =>
        partitions.length === 0 && fileSystem === null && examinationError === undefined,
    )
    .map(({ diskId, device }) => {
      const finding = { code: 'PRECHECK.RAW_DISK', title: 'Raw disk', diskId } as const;
      if (options.copyRawDisks) {
        return {
          ...finding,
          severity: 'information',
          text: `${device} has neither partitions nor a file system. Its blocks that are not zero are copied, as asked for.`,
          remedy: 'Nothing needs to be done. The first synchronization reads the whole disk.',
        };
      }
      return {
        ...finding,
        severity: 'critical',
        text: `${device} has neither partitions nor a file system, so that its used blocks are not known.`,
        remedy: 'Detach the disk if it is not needed, or ask for its non-zero blocks to be copied (copyRawDisks).',
      };
    });
