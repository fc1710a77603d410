/** All concerns there are, in the order of the requirements. Stored and shown: a code is never renamed or reused. */
export const CONCERN_CODES = [
  'PRECHECK.NO_DISKS',
  'PRECHECK.DISK_NOT_EXAMINED',
  'PRECHECK.SOURCE_DISK_WITHOUT_TARGET',
  'PRECHECK.TARGET_DISK_WITHOUT_SOURCE',
  'PRECHECK.TARGET_DISK_TOO_SMALL',
  'PRECHECK.THIN_ALLOCATION_ABOVE_16_TB',
  'PRECHECK.ONE_DISK_TO_SEVERAL',
  'PRECHECK.EXTERNAL_STORAGE',
  'PRECHECK.EXTERNAL_STORAGE_NOT_MOUNTED',
  'PRECHECK.RAW_DISK',
  'PRECHECK.NETWORK_STORAGE_NOT_MIGRATED',
  'PRECHECK.AUTOMATIC_TARGET_UNSUPPORTED',
  'PRECHECK.TOO_MANY_DISKS',
  'PRECHECK.ARM_TARGET_MEMORY',
  'PRECHECK.SOURCE_MEMORY_LOW',
  'PRECHECK.ARCHITECTURE_UNSUPPORTED',
  'PRECHECK.FIRMWARE_DIFFERS',
  'PRECHECK.SECTOR_SIZE_DIFFERS',
] as const;
export type ConcernCode = (typeof CONCERN_CODES)[number];

/** `critical` refuses the task; a `warning` wants to be read; `information` is worth knowing. Most severe first. */
export const SEVERITIES = ['critical', 'warning', 'information'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A finding of the pre-checks: what, how bad, why, and what to do about it. */
export interface Concern {
  readonly code: ConcernCode;
  readonly severity: Severity;
  readonly title: string;
  readonly text: string;
  readonly remedy: string;
  /** The source disk it is about, where it is about one. */
  readonly diskId?: string;
}
