import type { PreCheck } from '../pre-check-input.js';

/** R1: a machine without a disk has nothing to migrate. */
export const noDisks: PreCheck = ({ inventory }) => {
  if (inventory.disks.length > 0) return [];
  return [
    {
      code: 'PRECHECK.NO_DISKS',
      severity: 'critical',
      title: 'No disks',
      text: `${inventory.hostname} reported no disk that can be migrated. Read-only and removable disks do not count.`,
      remedy: 'Check which disks the source machine has (lsblk), and that the agent runs as root.',
    },
  ];
};
