import { inWords } from './quantities-in-words.js';
import type { Allocation, PreCheckInput, RequestedDisk } from './pre-check-input.js';

/** 1 TB = 10^12 bytes (R10). */
const DYNAMIC_ALLOCATION_MAX_BYTES = 16 * 10 ** 12;

/** What the pre-checks decided instead of what was asked for; recorded with the task, and binding for its target. */
export interface AllocationDecision {
  /** The concern that tells the operator of it. */
  readonly code: 'PRECHECK.THIN_ALLOCATION_ABOVE_16_TB';
  readonly text: string;
  readonly diskId: string;
  readonly requested: Allocation;
  readonly allocation: 'thin';
  /** The larger of source and target disk, which the rule was applied to. */
  readonly sizeBytes: number;
}
export type Decision = AllocationDecision;

/**
 * R10: dynamically allocated disks above 16 TB become thin. A disk is dynamically allocated when the target asks for
 * it, or when the source's disk is; a disk of unknown allocation keeps a preallocated target.
 */
export function decideAllocations({ inventory, target }: PreCheckInput): readonly AllocationDecision[] {
  return target.disks.flatMap(({ sourceDiskId, allocation, sizeBytes }) => {
    const source = inventory.disks.find(({ diskId }) => diskId === sourceDiskId);
    const isDynamic = allocation === 'dynamic' || source?.allocation === 'dynamic';
    const largerBytes = Math.max(sizeBytes, source?.sizeBytes ?? 0);
    if (!isDynamic || allocation === 'thin' || largerBytes <= DYNAMIC_ALLOCATION_MAX_BYTES) return [];
    return [
      {
        code: 'PRECHECK.THIN_ALLOCATION_ABOVE_16_TB',
        text: `Disk ${sourceDiskId} (${inWords(largerBytes)}) is allocated thin, not ${allocation}.`,
        diskId: sourceDiskId,
        requested: allocation,
        allocation: 'thin',
        sizeBytes: largerBytes,
      },
    ];
  });
}

/** The target's disks as they are to be made: as asked for, except for what was decided. */
export function applyDecisions(disks: readonly RequestedDisk[], decisions: readonly Decision[]): RequestedDisk[] {
  return disks.map((disk) => {
    const decision = decisions.find(({ diskId }) => diskId === disk.sourceDiskId);
    return decision === undefined ? disk : { ...disk, allocation: decision.allocation };
  });
}
