import {
  DIGEST_BLOCK_BYTES,
  EndpointFailure,
  type DigestJournal,
  type DigestTable,
  type DiskPace,
  type DiskToTrack,
  type SourceDisk,
  type SyncDiskOptions,
  type SyncDiskResult,
  type TakenChanges,
  type UsedMap,
} from '#libs/block-transfer';
import type { DiskRoundResult, NbdExport, SyncRoundAssignment } from '#libs/contracts';
import type { HeldFileSystems } from '../quiesce/hold-file-systems.js';
import type { AcknowledgedRangesReporter } from './acknowledged-ranges.reporter.js';
import { chooseDisks, type RoundDisk } from './disk-choice.decision.js';
import type { DiskInHand } from './disk-in-hand.js';
import { isPathLost } from './failure-of.decision.js';
import { howCompared, type HowCompared } from './how-compared.decision.js';
import { ofAttempt } from './of-attempt.js';
import type { RoundInHand } from './round-in-hand.js';
import { PROGRESS_INTERVAL_MS } from './round-progress.js';
import type { RoundPorts } from './round.ports.js';
import { severalAtOnce } from './several-at-once.js';
import { reachPatiently } from './target-link.js';

/**
 * While file systems are held still, a target that owes an answer for this long counts as lost: half of the time for
 * which they are held, so that most broken links show before that time is over.
 */
const HELD_SILENCE_LIMIT_MS = 30_000;

/** While a target is read back. */
const LOOKING = { activity: 'rescanning', sentBytes: 0, acknowledgedBytes: 0 } as const;

/** How the disks of this attempt are read. */
interface Reading {
  readonly signal: AbortSignal;
  readonly isHeld: boolean;
  readonly heldMountPoints: readonly string[];
}

/** What of a disk is read. */
interface Source {
  readonly used: UsedMap;
  readonly source: SourceDisk;
  readonly changes: TakenChanges;
  readonly pace: DiskPace;
  /** Every byte that the round needs of this disk has been read; may be called more than once. */
  readonly onRead: () => void;
}

/** One attempt of a round. It connects first: a source must not be held still while it waits for a link. */
export class RoundAttempt {
  readonly #ports: RoundPorts;
  readonly #round: RoundInHand;
  readonly #assignment: SyncRoundAssignment;
  readonly #acknowledged: AcknowledgedRangesReporter;

  constructor(
    ports: RoundPorts,
    round: RoundInHand,
    assignment: SyncRoundAssignment,
    acknowledged: AcknowledgedRangesReporter,
  ) {
    this.#ports = ports;
    this.#round = round;
    this.#assignment = assignment;
    this.#acknowledged = acknowledged;
  }

  /**
   * Goes on with the round until all its disks are done.
   * @throws EndpointFailure; `DATA_PATH_LOST` ends the attempt, not the round
   */
  async run(signal: AbortSignal): Promise<DiskRoundResult[]> {
    const { taskId, roundKind, resend } = this.#assignment;
    const disks = chooseDisks(this.#assignment, await this.#ports.collectInventory());
    await this.#ports.digestTables.prepare(taskId);
    this.#round.beginAttempt(roundKind === 'final');
    const endTelling = this.#round.progress.tellEvery(PROGRESS_INTERVAL_MS, this.#assignment, this.#ports);
    try {
      const { changes } = this.#ports;
      await changes.follow(taskId, disks.map(followedDisk));
      const compares = await this.#round.prepare(disks, resend, changes);
      const left = this.#round.left(disks);
      await this.#establishLink(left, compares, signal);
      await this.#forgetDifferences(left, signal);
      await (roundKind === 'final' ? this.#syncHeld(left, signal) : this.#syncLive(left, signal));
      return this.#round.results;
    } finally {
      endTelling();
      this.#round.putAway();
    }
  }

  /** The first attempt tells the server of a path that cannot be had; the next ones it expects to wait. */
  async #establishLink(left: readonly RoundDisk[], compares: HowCompared, signal: AbortSignal): Promise<void> {
    const target = left[0]?.assigned.export;
    if (target === undefined) return;
    if (this.#assignment.attempt === 1) await this.#ports.reachTarget(target, signal);
    else await reachPatiently(this.#ports, target, signal);
    this.#ports.log('info', `The target of round ${this.#round.roundId} is reached (${compares.comparison}).`);
    const established = { kind: 'link-established', ...ofAttempt(this.#assignment), ...compares } as const;
    this.#ports.report(established).catch((error: unknown) => {
      this.#ports.log('warn', `The link could not be reported: ${String(error)}`);
    });
  }

  /**
   * Of the disks that are to be repaired. Before anything is held still: what is forgotten is read and sent by the round
   * like any other block that the target is not known to hold.
   */
  async #forgetDifferences(disks: readonly RoundDisk[], signal: AbortSignal): Promise<void> {
    for (const disk of disks) {
      const { diskId, export: target, groupDigests } = disk.assigned;
      if (groupDigests === undefined) continue;
      const inHand = await this.#round.takeUp(disk);
      const { baseline, digests } = inHand;
      // With nothing known, everything is sent.
      if (baseline === null) continue;
      const { progress } = this.#round;
      progress.enter(diskId, 'rescanning');
      const onProgress = (plannedBytes: number, processedBytes: number): void => {
        progress.update(diskId, { ...LOOKING, plannedBytes, processedBytes });
      };
      const pace = await this.#ports.pace.ofDisk(disk.present.device, false);
      try {
        const differing = await this.#withJournal(diskId, digests, (journal) =>
          this.#ports.forgetDifferences({ digests, journal, target, groupDigests, pace, signal, onProgress }),
        );
        inHand.noteDifferences(differing);
        this.#ports.log('warn', `The target's disk ${diskId} differed in ${inHand.repaired?.blockCount ?? 0} blocks.`);
      } finally {
        pace.close();
      }
      inHand.putAway();
      progress.leave(diskId);
    }
  }

  /** While the source goes on. */
  async #syncLive(disks: readonly RoundDisk[], signal: AbortSignal): Promise<void> {
    await severalAtOnce(disks, this.#ports.disksAtOnce, signal, async (disk, either) => {
      await this.#ports.quiesce.flush([disk.present]);
      await this.#syncDisk(disk, { signal: either, isHeld: false, heldMountPoints: [] }, () => undefined);
    });
  }

  /** All disks are read while all file systems are held still, so that they belong to one moment. */
  async #syncHeld(disks: readonly RoundDisk[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const held = await this.#ports.quiesce.hold(disks.map((disk) => disk.present));
    let released: Promise<boolean> | null = null;
    const release = (): Promise<boolean> => (released ??= held.release());
    const unread = new Set(disks);
    const whileHeld = AbortSignal.any([signal, held.lost]);
    try {
      await this.#ports.changes.settle();
      await severalAtOnce(disks, this.#ports.disksAtOnce, whileHeld, async (disk, either) => {
        // The source goes on as soon as the last disk is read, not when the target has written it.
        const onRead = (): void => {
          unread.delete(disk);
          if (unread.size === 0) void release();
        };
        const reading = { signal: either, isHeld: true, heldMountPoints: held.mountPoints };
        await this.#syncDisk(disk, reading, onRead).catch(async (error: unknown) => {
          throw held.lost.aborted ? await this.#causeOfLostHold(error, disk.assigned.export, signal) : error;
        });
      });
      if (!(await release())) throw heldTooShort(held);
    } finally {
      await release();
    }
  }

  /** File systems that were let go before they were read may have waited for a link that says nothing any more. */
  async #causeOfLostHold(lost: unknown, target: NbdExport, signal: AbortSignal): Promise<unknown> {
    try {
      await this.#ports.reachTarget(target, signal);
      return lost;
    } catch (error) {
      return isPathLost(error) ? error : lost;
    }
  }

  async #syncDisk(disk: RoundDisk, reading: Reading, onRead: Source['onRead']): Promise<void> {
    const { present } = disk;
    this.#round.progress.enter(disk.assigned.diskId, 'mapping');
    const used = await this.#ports.usedBlocksOf(present, {
      signal: reading.signal,
      isHeld: (mountPoint) => reading.heldMountPoints.includes(mountPoint),
      holdStill: (mountPoint) => this.#ports.quiesce.holdForMap(present, mountPoint),
      onDoubt: (device, reason) => {
        this.#ports.log('warn', `All of ${device} counts as used: ${reason}.`);
      },
    });
    const source = await this.#ports.openSourceDisk(present.device);
    const pace = await this.#ports.pace.ofDisk(present.device, reading.isHeld);
    try {
      this.#round.finish(await this.#transfer(disk, reading, { used, source, pace, onRead }));
    } finally {
      pace.close();
      await source.close();
    }
  }

  async #transfer(disk: RoundDisk, reading: Reading, from: Omit<Source, 'changes'>): Promise<DiskRoundResult> {
    const { diskId, sizeBytes: diskBytes } = disk.assigned;
    const inHand = await this.#round.takeUp(disk);
    return this.#withJournal(diskId, inHand.digests, async (journal) => {
      // The last thing before the first read: what is written from here on belongs to the next round.
      const changes = await this.#ports.changes.take(diskId, from.used, inHand.resume);
      try {
        const result = await this.#ports.syncDisk(this.#options(disk, inHand, journal, reading, { ...from, changes }));
        changes.complete();
        return resultOf({ diskId, diskBytes, ...result }, inHand, changes);
      } catch (error) {
        changes.giveBack();
        throw error;
      }
    });
  }

  async #withJournal<T>(
    diskId: string,
    digests: DigestTable,
    work: (journal: DigestJournal) => Promise<T>,
  ): Promise<T> {
    const { taskId } = this.#assignment;
    const journal = await this.#ports.digestTables.of(taskId, diskId).begin(digests, taskId);
    let result: T;
    try {
      result = await work(journal);
    } catch (error) {
      // What is known to be on the target is kept; the journal alone would keep it, too.
      await journal.end().catch((failure: unknown) => {
        this.#ports.log('warn', `The digests of ${diskId} could not be put in order: ${String(failure)}`);
      });
      throw error;
    }
    await journal.end();
    return result;
  }

  #options(
    { assigned: { diskId, sizeBytes: diskBytes, export: target } }: RoundDisk,
    { resume, baseline, digests }: DiskInHand,
    journal: DigestJournal,
    { signal, isHeld }: Reading,
    { used, source, pace, changes, onRead }: Source,
  ): SyncDiskOptions {
    return {
      ...{ diskId, source, used, target, baseline, digests, resume, journal, pace, signal, dirty: changes.dirty },
      buffers: this.#ports.buffers,
      ...(isHeld ? { timeouts: { replyTimeoutMs: HELD_SILENCE_LIMIT_MS } } : {}),
      onProgress: (standing) => {
        const rescans = standing.activity === 'transferring' && baseline !== null && changes.comparison === 'rescan';
        this.#round.progress.update(diskId, rescans ? { ...standing, activity: 'rescanning' } : standing);
        if (standing.activity === 'flushing') onRead();
      },
      onAcknowledged: (ranges) => {
        this.#acknowledged.add({ diskId, diskBytes }, ranges);
      },
    };
  }
}

function resultOf(
  result: SyncDiskResult & Pick<DiskRoundResult, 'diskId' | 'diskBytes'>,
  { baseline, baselineState, repaired }: DiskInHand,
  changes: TakenChanges,
): DiskRoundResult {
  return {
    ...result,
    ...howCompared(baseline !== null, [changes]),
    ...(repaired === null ? {} : { repaired }),
    baseline: baselineState,
    digestBlockBytes: DIGEST_BLOCK_BYTES,
  };
}

function followedDisk({ assigned, present }: RoundDisk): DiskToTrack {
  return { diskId: assigned.diskId, device: present.device, sizeBytes: assigned.sizeBytes };
}

function heldTooShort(held: HeldFileSystems): unknown {
  return held.lost.aborted
    ? held.lost.reason
    : new EndpointFailure('SOURCE_READ_FAILED', 'The file systems were not held still while they were read.');
}
