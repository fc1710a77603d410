import type { LimitingFactor, RoundPace } from '#libs/contracts';
import type { PaceFigures } from './machine-pace.js';
import { wireBytesOf } from './transfer-pace.js';

/** A round as far as it is, over all of its disks; in bytes. */
export interface RoundStanding {
  /** What is to be gone through; of disks whose used blocks are not known yet, all. */
  readonly plannedBytes: number;
  readonly processedBytes: number;
  readonly sentBytes: number;
}

/** With less gone through, the part that has to be sent is not known: all of it may. */
const MIN_PROCESSED_BYTES = 64 * 1024 * 1024;

/** What a MiB of content makes the network carry. */
const OVERHEAD = wireBytesOf(1024 * 1024) / (1024 * 1024);

interface Limit {
  readonly factor: LimitingFactor;
  readonly bytesPerSecond: number;
}

/**
 * How long a round will take: what is left, by the least of what the network cap, the link and the storage (within its
 * own cap) allow (R26). Before anything was measured, that is the network cap alone. In a round that sends only part of
 * what it goes through, the network counts for that part. Pure.
 */
export const estimateRound = (standing: RoundStanding, figures: PaceFigures): RoundPace => {
  const { caps, sentBytesPerSecond } = figures;
  const slowest = limitsOf(standing, figures).reduce<Limit | null>(
    (least, limit) => (least === null || limit.bytesPerSecond < least.bytesPerSecond ? limit : least),
    null,
  );
  const leftBytes = Math.max(0, standing.plannedBytes - standing.processedBytes);
  return {
    ...caps,
    sentBytesPerSecond,
    expectedBytesPerSecond: slowest?.bytesPerSecond ?? null,
    remainingMs: slowest === null ? null : (leftBytes / slowest.bytesPerSecond) * 1000,
    limitedBy: slowest?.factor ?? null,
  };
};

const limitsOf = ({ processedBytes, sentBytes }: RoundStanding, figures: PaceFigures): Limit[] => {
  const { caps, linkBytesPerSecond, storageBytesPerSecond, givesWay } = figures;
  const limits: Limit[] = [];
  const sentPart = processedBytes < MIN_PROCESSED_BYTES ? 1 : sentBytes / processedBytes;
  if (sentPart > 0) {
    const wire = sentPart * OVERHEAD;
    if (caps.networkBytesPerSecond !== null) {
      limits.push({ factor: 'network-cap', bytesPerSecond: caps.networkBytesPerSecond / wire });
    }
    if (linkBytesPerSecond !== null) limits.push({ factor: 'link', bytesPerSecond: linkBytesPerSecond / wire });
  }
  if (storageBytesPerSecond !== null) {
    const factor = givesWay ? 'source-latency' : caps.storageShare === null ? 'storage' : 'storage-cap';
    limits.push({ factor, bytesPerSecond: storageBytesPerSecond });
  }
  return limits;
};
