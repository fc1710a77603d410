import type { PreCheck } from '../pre-check-input.js';

/** R1: the entire source is transferred, so every disk needs a place to go. */
export const sourceDiskWithoutTarget: PreCheck = ({ inventory, target }) =>
  inventory.disks
    .filter(({ diskId }) => !target.disks.some(({ sourceDiskId }) => sourceDiskId === diskId))
    .map(({ diskId, device }) => ({
      code: 'PRECHECK.SOURCE_DISK_WITHOUT_TARGET',
      severity: 'critical',
      title: 'Disk without a target',
      text: `No disk of the target VM is for ${device}. A machine is migrated with all its disks.`,
      remedy: `Add a target disk for ${diskId}, or start the agent with the disks to migrate named explicitly.`,
      diskId,
    }));
