import type { EndpointProgress } from '#libs/contracts';

/** What a restorer says that its servers have written in one attempt. */
export interface ServedBytes {
  readonly assignmentId: string;
  readonly bytes: number;
}

export const servedBytesOf = ({
  assignmentId,
  disks,
}: Pick<EndpointProgress, 'assignmentId' | 'disks'>): ServedBytes => ({
  assignmentId,
  bytes: disks.reduce((sum, { processedBytes }) => sum + processedBytes, 0),
});

/**
 * Whether bytes have reached the target since. The first that is heard of an attempt is no growth: what it counts may
 * have been written long ago, before this process began to listen.
 */
export const hasGrown = (before: ServedBytes | null, served: ServedBytes): boolean =>
  before?.assignmentId === served.assignmentId && served.bytes > before.bytes;
