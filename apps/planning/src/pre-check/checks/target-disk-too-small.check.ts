import type { PreCheck } from '../pre-check-input.js';
import { inWords } from '../quantities-in-words.js';

/** A smaller target disk would lose the end of the source disk, where GPT keeps its second table. */
export const targetDiskTooSmall: PreCheck = ({ inventory, target }) =>
  target.disks.flatMap(({ sourceDiskId, sizeBytes }) => {
    const source = inventory.disks.find(({ diskId }) => diskId === sourceDiskId);
    if (source === undefined || sizeBytes >= source.sizeBytes) return [];
    return [
      {
        code: 'PRECHECK.TARGET_DISK_TOO_SMALL',
        severity: 'critical',
        title: 'Target disk too small',
        text:
          `The target disk for ${source.device} has ${inWords(sizeBytes)} (${sizeBytes} bytes), ` +
          `the source disk ${inWords(source.sizeBytes)} (${source.sizeBytes} bytes).`,
        remedy: `Ask for a target disk of at least ${source.sizeBytes} bytes.`,
        diskId: sourceDiskId,
      },
    ];
  });
