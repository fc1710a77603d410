import type { TrackingStanding } from '#libs/block-transfer';
import type { Comparison, RescanReason } from '#libs/contracts';

/** How a round, or one disk in it, finds what to send; and why it has to compare digests of all used blocks. */
export interface HowCompared {
  readonly comparison: Comparison;
  readonly rescanReason?: RescanReason;
}

/**
 * @param hasDigests of at least one disk it is known what the target holds
 * @param standings of the disks; the first one that has to be compared as a whole speaks for all
 */
export function howCompared(hasDigests: boolean, standings: readonly TrackingStanding[]): HowCompared {
  if (!hasDigests) return { comparison: 'all-blocks' };
  const rescanned = standings.find(({ comparison }) => comparison === 'rescan');
  if (rescanned === undefined) return { comparison: 'tracked' };
  return { comparison: 'rescan', ...(rescanned.reason === null ? {} : { rescanReason: rescanned.reason }) };
}
