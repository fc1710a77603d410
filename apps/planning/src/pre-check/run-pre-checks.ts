import { decideAllocations, type Decision } from './allocation.decision.js';
import { architectureUnsupported } from './checks/architecture-unsupported.check.js';
import { armTargetMemory } from './checks/arm-target-memory.check.js';
import { automaticTargetUnsupported } from './checks/automatic-target-unsupported.check.js';
import { diskNotExamined } from './checks/disk-not-examined.check.js';
import { externalStorageNotMounted } from './checks/external-storage-not-mounted.check.js';
import { externalStorage } from './checks/external-storage.check.js';
import { firmwareDiffers } from './checks/firmware-differs.check.js';
import { networkStorageNotMigrated } from './checks/network-storage-not-migrated.check.js';
import { noDisks } from './checks/no-disks.check.js';
import { oneDiskToSeveral } from './checks/one-disk-to-several.check.js';
import { rawDisk } from './checks/raw-disk.check.js';
import { sectorSizeDiffers } from './checks/sector-size-differs.check.js';
import { sourceDiskWithoutTarget } from './checks/source-disk-without-target.check.js';
import { sourceMemoryLow } from './checks/source-memory-low.check.js';
import { targetDiskTooSmall } from './checks/target-disk-too-small.check.js';
import { targetDiskWithoutSource } from './checks/target-disk-without-source.check.js';
import { thinAllocationAbove16Tb } from './checks/thin-allocation-above-16-tb.check.js';
import { tooManyDisks } from './checks/too-many-disks.check.js';
import { SEVERITIES, type Concern, type ConcernCode } from './concern.js';
import type { PreCheck, PreCheckInput } from './pre-check-input.js';

/** Every concern and the check that raises it; a code without a check does not compile. */
export const PRE_CHECKS: Readonly<Record<ConcernCode, PreCheck>> = {
  'PRECHECK.NO_DISKS': noDisks,
  'PRECHECK.DISK_NOT_EXAMINED': diskNotExamined,
  'PRECHECK.SOURCE_DISK_WITHOUT_TARGET': sourceDiskWithoutTarget,
  'PRECHECK.TARGET_DISK_WITHOUT_SOURCE': targetDiskWithoutSource,
  'PRECHECK.TARGET_DISK_TOO_SMALL': targetDiskTooSmall,
  'PRECHECK.THIN_ALLOCATION_ABOVE_16_TB': thinAllocationAbove16Tb,
  'PRECHECK.ONE_DISK_TO_SEVERAL': oneDiskToSeveral,
  'PRECHECK.EXTERNAL_STORAGE': externalStorage,
  'PRECHECK.EXTERNAL_STORAGE_NOT_MOUNTED': externalStorageNotMounted,
  'PRECHECK.RAW_DISK': rawDisk,
  'PRECHECK.NETWORK_STORAGE_NOT_MIGRATED': networkStorageNotMigrated,
  'PRECHECK.AUTOMATIC_TARGET_UNSUPPORTED': automaticTargetUnsupported,
  'PRECHECK.TOO_MANY_DISKS': tooManyDisks,
  'PRECHECK.ARM_TARGET_MEMORY': armTargetMemory,
  'PRECHECK.SOURCE_MEMORY_LOW': sourceMemoryLow,
  'PRECHECK.ARCHITECTURE_UNSUPPORTED': architectureUnsupported,
  'PRECHECK.FIRMWARE_DIFFERS': firmwareDiffers,
  'PRECHECK.SECTOR_SIZE_DIFFERS': sectorSizeDiffers,
};

export interface PreCheckResult {
  /** The most severe first. */
  readonly concerns: readonly Concern[];
  readonly decisions: readonly Decision[];
}

/** Runs every pre-check (R10-R17). Pure: the same input has the same result. */
export function runPreChecks(input: PreCheckInput): PreCheckResult {
  const rank = ({ severity }: Concern) => SEVERITIES.indexOf(severity);
  const concerns = Object.values(PRE_CHECKS).flatMap((check) => check(input));
  return { concerns: concerns.toSorted((a, b) => rank(a) - rank(b)), decisions: decideAllocations(input) };
}

/** Whether these concerns refuse the task. */
export function isRefused(concerns: readonly Concern[]): boolean {
  return concerns.some(({ severity }) => severity === 'critical');
}
