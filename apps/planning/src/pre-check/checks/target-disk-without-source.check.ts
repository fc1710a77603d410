import type { PreCheck } from '../pre-check-input.js';

/** A target disk for a disk that the source does not have would stay empty, or be meant for another. */
export const targetDiskWithoutSource: PreCheck = ({ inventory, target }) => {
  const known = new Set(inventory.disks.map(({ diskId }) => diskId));
  const unknown = new Set(target.disks.map(({ sourceDiskId }) => sourceDiskId).filter((diskId) => !known.has(diskId)));
  return [...unknown].map((diskId) => ({
    code: 'PRECHECK.TARGET_DISK_WITHOUT_SOURCE',
    severity: 'critical',
    title: 'Unknown source disk',
    text: `${inventory.hostname} has no disk ${diskId}.`,
    remedy: 'Take the ids of the disks from the latest inventory of the source machine.',
    diskId,
  }));
};
