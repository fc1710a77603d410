import { EndpointFailure } from '../endpoint-failure.js';
import { DiskRound } from './disk-round.js';
import type { SyncDiskOptions, SyncDiskResult } from './sync-round.js';
import { TargetSession } from './target-session.js';

const DEFAULT_CONNECTIONS = 2;

/**
 * One sync round over one disk: afterwards the target holds the source's used bytes, and zeros everywhere else.
 *
 * Rejects with an EndpointFailure (`DATA_PATH_LOST`, `EXPORT_FAILED`, `TARGET_*`, `SOURCE_*`), or with the signal's
 * reason. When it rejects, nothing of it is in flight any more on this side; what waits inside the server dies with it.
 */
export async function syncDisk(options: SyncDiskOptions): Promise<SyncDiskResult> {
  const { source, used, digests, baseline } = options;
  if (source.sizeBytes !== used.diskBytes) {
    throw new EndpointFailure(
      'SOURCE_DISK_CHANGED',
      `disk ${options.diskId} has ${source.sizeBytes} bytes; its used blocks were listed for ${used.diskBytes}`,
    );
  }
  if (digests.diskBytes !== used.diskBytes || (baseline !== null && baseline.diskBytes !== used.diskBytes)) {
    throw new RangeError('digest tables of another disk size');
  }
  const started = performance.now();
  // One end for all connections and the sweep: by the caller, or by the first failure.
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const session = await TargetSession.open(options.target, {
    ...options.timeouts,
    connections: options.connections ?? DEFAULT_CONNECTIONS,
    diskBytes: used.diskBytes,
    signal,
  });
  try {
    const totals = await new DiskRound(options, session, stop, signal).run();
    return {
      usedBytes: used.usedBytes,
      ...totals,
      durationMs: performance.now() - started,
      rootDigest: digests.rootDigest(),
    };
  } finally {
    await session.close();
  }
}
