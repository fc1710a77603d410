import type { PreCheck } from '../pre-check-input.js';
import { inWords } from '../quantities-in-words.js';

/** R16 reads 3 GB as 3 x 10^9 bytes. */
const ARM_TARGET_MEMORY_MIN_BYTES = 3 * 10 ** 9;

/** R16: the restore media of ARM needs room in memory. A target has its source's architecture. */
export const armTargetMemory: PreCheck = ({ inventory, target }) => {
  const isArm = inventory.operatingSystem.architecture === 'aarch64';
  if (!isArm || target.memoryBytes >= ARM_TARGET_MEMORY_MIN_BYTES) return [];
  return [
    {
      code: 'PRECHECK.ARM_TARGET_MEMORY',
      severity: 'critical',
      title: 'Too little memory for an ARM target',
      text:
        `The target VM is to have ${inWords(target.memoryBytes)} of memory (${target.memoryBytes} bytes). ` +
        'An ARM target boots from the restore media with 3 GB or more.',
      remedy: `Give the target at least ${ARM_TARGET_MEMORY_MIN_BYTES} bytes of memory, at least for the migration.`,
    },
  ];
};
