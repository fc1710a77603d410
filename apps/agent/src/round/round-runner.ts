import {
  DIGEST_ALGORITHM,
  DIGEST_BLOCK_BYTES,
  DigestTable,
  EndpointFailure,
  type SourceDisk,
  type UsedMap,
} from '#libs/block-transfer';
import type { DiskRoundResult, EndpointReport, SyncRoundAssignment } from '#libs/contracts';
import { LinkClosedError } from '#libs/endpoint-link';
import type { HeldFileSystems } from '../quiesce/hold-file-systems.js';
import { AcknowledgedRangesReporter } from './acknowledged-ranges.reporter.js';
import { chooseDisks, type RoundDisk } from './disk-choice.decision.js';
import { failureOf } from './failure-of.decision.js';
import { PROGRESS_INTERVAL_MS, RoundProgress } from './round-progress.js';
import type { RoundPorts } from './round.ports.js';

/** What the disks of one round share. */
interface Round {
  readonly assignment: SyncRoundAssignment;
  readonly progress: RoundProgress;
  readonly acknowledged: AcknowledgedRangesReporter;
  readonly signal: AbortSignal;
}

/**
 * Runs sync rounds: brings the source to rest, maps its used blocks, has the difference written to the target, and
 * reports. A round ends with exactly one report, or with none when the server has turned to something else.
 */
export class RoundRunner {
  readonly #ports: RoundPorts;

  constructor(ports: RoundPorts) {
    this.#ports = ports;
  }

  /** Resolves when the server has answered the report that ends the round, or soon after the signal aborts. */
  async run(assignment: SyncRoundAssignment, signal: AbortSignal): Promise<void> {
    const outcome = (await this.#earlierOutcome(assignment)) ?? (await this.#runAnew(assignment, signal));
    if (outcome === null || signal.aborted) return;
    await this.#deliver(outcome, signal);
  }

  /** The end of a round that an earlier process, or this one before it was sent elsewhere, has worked on already. */
  async #earlierOutcome(assignment: SyncRoundAssignment): Promise<EndpointReport | null> {
    const { assignmentId } = assignment;
    const earlier = await this.#ports.state.read();
    if (earlier?.assignmentId !== assignmentId) return null;
    if (earlier.state === 'ended') return earlier.outcome;
    const outcome = failed(assignment, {
      code: 'ENDPOINT_RESTARTED',
      detail: 'The agent had begun this round and was interrupted.',
    });
    await this.#ports.state.write({ state: 'ended', assignmentId, outcome });
    return outcome;
  }

  /** @returns null when the round was given up */
  async #runAnew(assignment: SyncRoundAssignment, signal: AbortSignal): Promise<EndpointReport | null> {
    const { assignmentId, taskId, roundKind } = assignment;
    this.#ports.log('info', `Round ${assignmentId} (${roundKind}) of task ${taskId} begins.`);
    const acknowledged = new AcknowledgedRangesReporter({ taskId, assignmentId }, this.#ports.report);
    let outcome: EndpointReport;
    try {
      await this.#ports.state.write({ state: 'running', assignmentId });
      const disks = await this.#syncAll(assignment, acknowledged, signal);
      outcome = { kind: 'round-completed', taskId, assignmentId, disks };
      this.#ports.log('info', `Round ${assignmentId} is complete.`);
    } catch (error) {
      if (signal.aborted) {
        this.#ports.log('info', `Round ${assignmentId} was given up.`);
        return null;
      }
      outcome = failed(assignment, failureOf(error));
      this.#ports.log('warn', `Round ${assignmentId} failed: ${JSON.stringify(failureOf(error))}`);
    }
    acknowledged.flush();
    // Without the note a restarted agent could not repeat the outcome; the server has to hear it all the same.
    await this.#ports.state.write({ state: 'ended', assignmentId, outcome }).catch((error: unknown) => {
      this.#ports.log('warn', `The end of round ${assignmentId} could not be noted: ${String(error)}`);
    });
    return outcome;
  }

  async #syncAll(
    assignment: SyncRoundAssignment,
    acknowledged: AcknowledgedRangesReporter,
    signal: AbortSignal,
  ): Promise<DiskRoundResult[]> {
    const disks = chooseDisks(assignment, await this.#ports.collectInventory());
    await this.#ports.digestTables.prepare(assignment.taskId);
    const progress = new RoundProgress(assignment, disks);
    const endTelling = progress.tellEvery(PROGRESS_INTERVAL_MS, this.#ports, this.#ports.progress);
    try {
      const round = { assignment, progress, acknowledged, signal };
      return assignment.roundKind === 'final'
        ? await this.#syncHeld(round, disks)
        : await this.#syncInTurn(round, disks);
    } finally {
      endTelling();
    }
  }

  async #syncInTurn(round: Round, disks: readonly RoundDisk[]): Promise<DiskRoundResult[]> {
    const results: DiskRoundResult[] = [];
    for (const disk of disks) {
      await this.#ports.quiesce.flush([disk.present]);
      results.push(await this.#syncDisk(round, disk, () => undefined));
    }
    return results;
  }

  /** All disks are read while all file systems are held still, so that they belong to one moment. */
  async #syncHeld(round: Round, disks: readonly RoundDisk[]): Promise<DiskRoundResult[]> {
    round.signal.throwIfAborted();
    const held = await this.#ports.quiesce.hold(disks.map((disk) => disk.present));
    let released: Promise<boolean> | null = null;
    const release = (): Promise<boolean> => (released ??= held.release());
    try {
      const results: DiskRoundResult[] = [];
      const heldRound = { ...round, signal: AbortSignal.any([round.signal, held.lost]) };
      for (const [index, disk] of disks.entries()) {
        // The source goes on as soon as the last disk is read, not when the target has written it.
        const onRead = index === disks.length - 1 ? (): void => void release() : (): void => undefined;
        results.push(await this.#syncDisk(heldRound, disk, onRead));
      }
      if (!(await release())) throw heldTooShort(held);
      return results;
    } finally {
      await release();
    }
  }

  /** @param onRead every byte that the round needs of this disk has been read; may be called more than once */
  async #syncDisk(round: Round, disk: RoundDisk, onRead: () => void): Promise<DiskRoundResult> {
    const { present } = disk;
    round.progress.beginMapping();
    const used = await this.#ports.usedBlocksOf(present, { signal: round.signal });
    const source = await this.#ports.openSourceDisk(present.device);
    try {
      return await this.#transfer(round, disk, { used, source, onRead });
    } finally {
      await source.close();
    }
  }

  async #transfer(
    round: Round,
    { assigned }: RoundDisk,
    from: { used: UsedMap; source: SourceDisk; onRead: () => void },
  ): Promise<DiskRoundResult> {
    const { taskId, roundKind } = round.assignment;
    const { diskId, sizeBytes: diskBytes } = assigned;
    const store = this.#ports.digestTables.of(taskId, diskId);
    const full = roundKind === 'full';
    const kept = full
      ? { table: null, baseline: 'none' as const }
      : await store.load({ diskBytes, generation: taskId });
    // One table serves as both, so that a round which fails before its first write keeps what it had.
    const digests = kept.table ?? DigestTable.unknown(diskBytes);
    await store.markDirty(taskId);
    try {
      const { usedBytes, readBytes, sentBytes, zeroedBytes, durationMs, rootDigest } = await this.#ports.syncDisk({
        diskId,
        source: from.source,
        used: from.used,
        target: assigned.export,
        baseline: kept.table,
        digests,
        signal: round.signal,
        onProgress: (standing) => {
          round.progress.update(diskId, standing);
          if (standing.activity === 'flushing') from.onRead();
        },
        onAcknowledged: (ranges) => {
          round.acknowledged.add(diskId, ranges);
        },
      });
      return {
        ...{ diskId, diskBytes, usedBytes, readBytes, sentBytes, zeroedBytes, durationMs, rootDigest },
        baseline: kept.baseline,
        digestAlgorithm: DIGEST_ALGORITHM,
        digestBlockBytes: DIGEST_BLOCK_BYTES,
      };
    } finally {
      // Also after a failure: what is known to be on the target need not be sent again.
      await store.save(digests, taskId);
    }
  }

  async #deliver(outcome: EndpointReport, signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    try {
      await Promise.race([this.#ports.report(outcome), aborted]);
    } catch (error) {
      // The program ends; the outcome is noted, and the next process repeats it.
      if (!(error instanceof LinkClosedError)) throw error;
    }
  }
}

function failed(assignment: SyncRoundAssignment, failure: ReturnType<typeof failureOf>): EndpointReport {
  return { kind: 'round-failed', taskId: assignment.taskId, assignmentId: assignment.assignmentId, ...failure };
}

function heldTooShort(held: HeldFileSystems): unknown {
  return held.lost.aborted
    ? held.lost.reason
    : new EndpointFailure('SOURCE_READ_FAILED', 'The file systems were not held still while they were read.');
}
