import { EndpointFailure } from '../endpoint-failure.js';
import { DiskResume } from './disk-resume.js';
import { DiskRound } from './disk-round.js';
import type { SyncDiskOptions, SyncDiskResult, SyncDiskTotals } from './sync-round.js';
import { TargetSession } from './target-session.js';

const DEFAULT_CONNECTIONS = 2;

/**
 * One attempt of a sync round over one disk: afterwards the target holds the source's used bytes, and zeros everywhere
 * else. With `resume`, an attempt goes on where the one before it was broken off.
 *
 * Rejects with an EndpointFailure (`DATA_PATH_*`, `EXPORT_FAILED`, `TARGET_*`, `SOURCE_*`), with the journal's error,
 * or with the signal's reason. When it rejects, nothing of it is in flight any more on this side; what waits inside the
 * server dies with it.
 */
export async function syncDisk(options: SyncDiskOptions): Promise<SyncDiskResult> {
  const totals = await syncBlocks(options);
  const { digests } = options;
  return { ...totals, digestAlgorithm: digests.algorithm, rootDigest: await digests.rootDigest() };
}

/** The same without the root, which takes a look at every digest there is. For `only` some blocks. */
export async function syncBlocks(options: SyncDiskOptions): Promise<SyncDiskTotals> {
  assertOneDisk(options);
  const { used } = options;
  // One end for all connections and the sweep: by the caller, or by the first failure.
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const session = await TargetSession.open(options.target, {
    ...options.security,
    ...options.timeouts,
    connections: options.connections ?? DEFAULT_CONNECTIONS,
    diskBytes: used.diskBytes,
    signal,
    ...(options.pace === undefined ? {} : { pace: options.pace }),
  });
  const resume = options.resume ?? new DiskResume(used.diskBytes);
  const connected = performance.now();
  try {
    options.onConnected?.();
    await new DiskRound({ ...options, resume }, session, stop, signal).run();
  } finally {
    resume.totals.durationMs += performance.now() - connected;
    await session.close();
  }
  return { usedBytes: used.usedBytes, ...resume.totals };
}

function assertOneDisk({ diskId, source, used, digests, baseline, resume }: SyncDiskOptions): void {
  if (source.sizeBytes !== used.diskBytes) {
    throw new EndpointFailure(
      'SOURCE_DISK_CHANGED',
      `disk ${diskId} has ${source.sizeBytes} bytes; its used blocks were listed for ${used.diskBytes}`,
    );
  }
  for (const { diskBytes } of [digests, baseline ?? digests, resume ?? digests]) {
    if (diskBytes !== used.diskBytes) throw new RangeError('digest tables or resume of another disk size');
  }
  // Digests of different algorithms would never be equal: everything would be sent, and nothing would look wrong.
  if (baseline !== null && !baseline.isComparableTo(digests)) throw new RangeError('a baseline of another algorithm');
}
