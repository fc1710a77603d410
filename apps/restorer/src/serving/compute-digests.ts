import { DIGEST_BLOCK_BYTES, EndpointFailure } from '#libs/block-transfer';
import type {
  ComputeDigestsAssignment,
  DigestAlgorithm,
  DiskDigest,
  EndpointFailureCode,
  EndpointProgress,
  EndpointReport,
} from '#libs/contracts';
import type { TargetDisk } from '../config/restorer-config.js';
import { announce, deliver } from './deliver.js';
import { failureOf } from './failure-of.decision.js';
import type { RestorerPorts } from './restorer.ports.js';

/** Disks that are read at the same time. */
const DISKS_AT_ONCE = 2;
const PROGRESS_INTERVAL_MS = 500;
const AT_THE_TARGET: ReadonlyMap<EndpointFailureCode, EndpointFailureCode> = new Map([
  ['SOURCE_DISK_CHANGED', 'TARGET_DISK_MISSING'],
  ['SOURCE_READ_FAILED', 'TARGET_WRITE_FAILED'],
]);

/**
 * Reads disks from end to end and reports that it begins and their digests. Nothing serves them meanwhile: the work
 * before has closed its exports, and what an earlier process left is ended first.
 */
export async function computeDigests(
  ports: RestorerPorts,
  assignment: ComputeDigestsAssignment,
  signal: AbortSignal,
): Promise<void> {
  const { taskId, assignmentId } = assignment;
  let outcome: EndpointReport;
  try {
    const disks = await digestAll(ports, assignment, signal);
    outcome = { kind: 'digests-computed', taskId, assignmentId, disks };
    ports.log('info', `Verification ${assignmentId}: ${disks.length} disks are digested.`);
  } catch (error) {
    if (signal.aborted) return;
    const failure = failureOf(error);
    ports.log('warn', `Verification ${assignmentId}: ${failure.code}: ${failure.detail}`);
    outcome = { kind: 'digests-failed', taskId, assignmentId, ...failure };
  }
  await deliver(ports.report, outcome, signal);
}

async function digestAll(
  ports: RestorerPorts,
  assignment: ComputeDigestsAssignment,
  signal: AbortSignal,
): Promise<DiskDigest[]> {
  const { taskId, assignmentId, digestAlgorithm } = assignment;
  const disks = ports.findDisks(assignment.disks);
  await ports.endLeftoverServers(disks.map(({ path }) => path));
  signal.throwIfAborted();
  announce(ports, { kind: 'digests-begun', taskId, assignmentId }, signal);
  const processed = new Map<string, number>();
  const endTelling = tellProgress(ports, () => progressOf(assignment, processed, ports.now()));
  // The first failure ends the other disks too: the verification is over.
  const stop = new AbortController();
  const all = AbortSignal.any([signal, stop.signal]);
  const waiting = [...disks];
  const digests = new Map<string, DiskDigest>();
  const lane = async (): Promise<void> => {
    for (let disk = waiting.shift(); disk !== undefined; disk = waiting.shift()) {
      digests.set(disk.diskId, await digestOne(ports, disk, digestAlgorithm, { processed, signal: all }));
    }
  };
  try {
    const lanes = Array.from({ length: DISKS_AT_ONCE }, () =>
      lane().catch((error: unknown) => {
        stop.abort(error);
      }),
    );
    await Promise.all(lanes);
    all.throwIfAborted();
  } finally {
    endTelling();
  }
  return disks.flatMap(({ diskId }) => digests.get(diskId) ?? []);
}

async function digestOne(
  ports: RestorerPorts,
  { diskId, path, sizeBytes: diskBytes }: TargetDisk,
  algorithm: DigestAlgorithm,
  { processed, signal }: { readonly processed: Map<string, number>; readonly signal: AbortSignal },
): Promise<DiskDigest> {
  const digests = await ports
    .digestDisk(path, {
      ...{ algorithm, diskBytes, signal },
      onProgress: (processedBytes) => {
        processed.set(diskId, processedBytes);
      },
    })
    .catch((error: unknown) => {
      throw ofTarget(error);
    });
  await ports.groupDigests.keep(diskId, digests.groupDigests);
  return {
    ...{ diskId, diskBytes },
    digestAlgorithm: digests.algorithm,
    digestBlockBytes: DIGEST_BLOCK_BYTES,
    rootDigest: digests.rootDigest,
  };
}

/** Disks are read here as they are at the source; what is wrong with one is no fault of that. */
function ofTarget(error: unknown): unknown {
  const code = error instanceof EndpointFailure ? AT_THE_TARGET.get(error.code) : undefined;
  return code === undefined ? error : new EndpointFailure(code, (error as EndpointFailure).detail, { cause: error });
}

function progressOf(
  { taskId, assignmentId, disks }: ComputeDigestsAssignment,
  processed: ReadonlyMap<string, number>,
  now: Date,
): EndpointProgress {
  return {
    ...{ taskId, assignmentId },
    at: now.toISOString(),
    activity: 'digesting',
    disks: disks.map(({ diskId, sizeBytes }) => ({
      diskId,
      diskBytes: sizeBytes,
      plannedBytes: sizeBytes,
      processedBytes: processed.get(diskId) ?? 0,
      sentBytes: 0,
      acknowledgedBytes: 0,
    })),
  };
}

/** Tells where the work stands now, at the interval, and a last time when it is ended. */
function tellProgress(ports: RestorerPorts, current: () => EndpointProgress): () => void {
  let cancel = (): void => undefined;
  const beat = (): void => {
    ports.progress(current());
    cancel = ports.scheduler.after(PROGRESS_INTERVAL_MS, beat);
  };
  beat();
  return () => {
    cancel();
    ports.progress(current());
  };
}
