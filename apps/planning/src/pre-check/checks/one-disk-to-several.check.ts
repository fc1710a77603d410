import type { PreCheck } from '../pre-check-input.js';

/** R11: one source disk goes to one target disk. */
export const oneDiskToSeveral: PreCheck = ({ target }) => {
  const targets = new Map<string, number>();
  for (const { sourceDiskId } of target.disks) targets.set(sourceDiskId, (targets.get(sourceDiskId) ?? 0) + 1);
  return [...targets]
    .filter(([, count]) => count > 1)
    .map(([diskId, count]) => ({
      code: 'PRECHECK.ONE_DISK_TO_SEVERAL',
      severity: 'critical',
      title: 'One disk to several',
      text: `Disk ${diskId} is to be copied to ${count} disks of the target VM. A disk is copied to one disk.`,
      remedy: `Leave one target disk for ${diskId}.`,
      diskId,
    }));
};
