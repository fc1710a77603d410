import type { DiskToTrack } from '#libs/block-transfer';
import type { DiskRoundResult, SyncRoundAssignment } from '#libs/contracts';
import type { AcknowledgedRangesReporter } from './acknowledged-ranges.reporter.js';
import { chooseDisks, type RoundDisk } from './disk-choice.decision.js';
import { DiskPasses } from './disk-passes.js';
import { FinalSync, isWorthReadingBefore } from './final-sync.js';
import type { HowCompared } from './how-compared.decision.js';
import { ofAttempt } from './of-attempt.js';
import type { RoundInHand } from './round-in-hand.js';
import { PROGRESS_INTERVAL_MS } from './round-progress.js';
import type { RoundPorts } from './round.ports.js';
import { severalAtOnce } from './several-at-once.js';
import { reachPatiently } from './target-link.js';

/** While a target is read back. */
const LOOKING = { activity: 'rescanning', sentBytes: 0, acknowledgedBytes: 0 } as const;

/** One attempt of a round. It connects first: a source must not be held still while it waits for a link. */
export class RoundAttempt {
  readonly #ports: RoundPorts;
  readonly #round: RoundInHand;
  readonly #assignment: SyncRoundAssignment;
  readonly #passes: DiskPasses;

  constructor(
    ports: RoundPorts,
    round: RoundInHand,
    assignment: SyncRoundAssignment,
    acknowledged: AcknowledgedRangesReporter,
  ) {
    this.#ports = ports;
    this.#round = round;
    this.#assignment = assignment;
    this.#passes = new DiskPasses(ports, round, assignment, acknowledged);
  }

  /**
   * Goes on with the round until all its disks are done.
   * @throws EndpointFailure; `DATA_PATH_LOST` ends the attempt, not the round
   */
  async run(signal: AbortSignal): Promise<DiskRoundResult[]> {
    const { taskId, roundKind, resend, attempt } = this.#assignment;
    const disks = await this.#findDisks();
    await this.#ports.digestTables.prepare(taskId);
    this.#round.beginAttempt(roundKind === 'final');
    const endTelling = this.#round.progress.tellEvery(PROGRESS_INTERVAL_MS, this.#assignment, this.#ports);
    try {
      await this.#follow(disks);
      const compares = await this.#round.prepare(disks, resend, this.#ports.changes);
      const found = this.#round.left(disks);
      await this.#establishLink(found, compares, signal);
      await this.#forgetDifferences(found, signal);
      // Both may have taken hours: to wait for the link, and to look for what the target does not hold.
      const looked = found.some(({ assigned }) => assigned.groupDigests !== undefined);
      const left = attempt > 1 || looked ? await this.#findAgain(found) : found;
      await (roundKind === 'final' ? this.#syncFinal(left, signal) : this.#syncLive(left, signal));
      return this.#round.results;
    } finally {
      endTelling();
      this.#round.putAway();
    }
  }

  async #findDisks(): Promise<readonly RoundDisk[]> {
    return chooseDisks(this.#assignment, await this.#ports.collectInventory());
  }

  #follow(disks: readonly RoundDisk[]): Promise<void> {
    return this.#ports.changes.follow(this.#assignment.taskId, disks.map(followedDisk));
  }

  /** The same disks as they are now: their devices may have got other names, and other things may be mounted of them. */
  async #findAgain(wanted: readonly RoundDisk[]): Promise<readonly RoundDisk[]> {
    const disks = await this.#findDisks();
    await this.#follow(disks);
    const ids = new Set(wanted.map(({ assigned }) => assigned.diskId));
    return disks.filter(({ assigned }) => ids.has(assigned.diskId));
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
        const differing = await this.#passes.withJournal(diskId, digests, (journal) =>
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
      await this.#passes.run(disk, { signal: either, isHeld: false, heldMountPoints: [] });
    });
  }

  /** What would take long while file systems are held still is done before, where the rest is known afterwards. */
  async #syncFinal(disks: readonly RoundDisk[], signal: AbortSignal): Promise<void> {
    const first = disks.filter(({ assigned }) => isWorthReadingBefore(this.#ports.changes.standingOf(assigned.diskId)));
    await this.#syncLive(first, signal);
    for (const disk of first) this.#round.readAgain(disk);
    this.#round.progress.beginPass();
    const present = first.length > 0 ? await this.#findAgain(disks) : disks;
    signal.throwIfAborted();
    await new FinalSync(this.#ports, this.#round, this.#passes).run(present, signal);
  }
}

function followedDisk({ assigned, present }: RoundDisk): DiskToTrack {
  return { diskId: assigned.diskId, device: present.device, sizeBytes: assigned.sizeBytes };
}
