import type { PreCheck } from '../pre-check-input.js';

/** R1: a disk that the agent cannot read cannot be copied, and nothing else can be said about it. */
export const diskNotExamined: PreCheck = ({ inventory }) =>
  inventory.disks.flatMap(({ diskId, device, examinationError }) => {
    if (examinationError === undefined) return [];
    return [
      {
        code: 'PRECHECK.DISK_NOT_EXAMINED',
        severity: 'critical',
        title: 'Disk could not be examined',
        text: `The agent could not examine ${device} (${examinationError}).`,
        remedy:
          'Run the agent as root, check the disk (dmesg, wipefs --no-act), and of two signatures mount what is meant, or erase the other. Then report the inventory again.',
        diskId,
      },
    ];
  });
