import { decideAllocations } from '../allocation.decision.js';
import type { PreCheck } from '../pre-check-input.js';
import { inWords } from '../quantities-in-words.js';

/** R10: says which disks become thin. The decision itself is recorded by the caller. */
export const thinAllocationAbove16Tb: PreCheck = (input) =>
  decideAllocations(input).map(({ diskId, requested, sizeBytes }) => ({
    code: 'PRECHECK.THIN_ALLOCATION_ABOVE_16_TB',
    severity: 'warning',
    title: 'Allocation becomes thin',
    text:
      `Disk ${diskId} has ${inWords(sizeBytes)} (${sizeBytes} bytes). Dynamically allocated disks above 16 TB are ` +
      `allocated thin on the target, not ${requested} as asked for.`,
    remedy: 'Make sure that the storage of the target supports thin allocation and has room for the used data to grow.',
    diskId,
  }));
