import { EndpointFailure, type TrackingStanding } from '#libs/block-transfer';
import type { NbdExport, Stillness } from '#libs/contracts';
import type { HeldFileSystems } from '../quiesce/hold-file-systems.js';
import type { RoundDisk } from './disk-choice.decision.js';
import type { DiskPasses, Reading, Written } from './disk-passes.js';
import { isPathLost } from './failure-of.decision.js';
import type { RoundInHand } from './round-in-hand.js';
import type { RoundPorts, SourceAtRest } from './round.ports.js';
import { severalAtOnce } from './several-at-once.js';

/** How long a source is looked at again and again until nothing was written to it; what is held is let go then. */
export const LOOK_LIMIT_MS = 30_000;

/** A source at rest, as far as it is. */
interface Source extends SourceAtRest {
  /** Lets go of what is held; may be called more than once. */
  readonly release: () => Promise<boolean>;
}

/**
 * The passes of a final round: the target shall be the source as it was at one moment. File systems that can be frozen
 * are; then one pass over all disks is enough. The root, and what the agent itself writes to, go on being written, so
 * all disks are read again where they were written to meanwhile, until nothing was: between the two last passes no used
 * block of any disk has changed, and each was read since its last change.
 */
export class FinalSync {
  readonly #ports: RoundPorts;
  readonly #round: RoundInHand;
  readonly #passes: DiskPasses;

  constructor(ports: RoundPorts, round: RoundInHand, passes: DiskPasses) {
    this.#ports = ports;
    this.#round = round;
    this.#passes = passes;
  }

  async run(disks: readonly RoundDisk[], signal: AbortSignal): Promise<void> {
    try {
      await this.#passes.begin(disks);
      signal.throwIfAborted();
      const { held, notHeld } = await this.#ports.quiesce.hold(disks.map((disk) => disk.present));
      let released: Promise<boolean> | null = null;
      const release = (): Promise<boolean> => (released ??= held.release());
      try {
        const judged = await this.#readOnce(disks, signal, { held, notHeld, release });
        const stillness = judged ?? (await this.#untilUnwritten(disks, signal, { held, release }));
        if (!(await release()) && stillness === 'frozen') throw heldTooShort(held);
        await this.#passes.conclude();
        this.#round.noteStillness(stillness);
      } finally {
        await release();
      }
    } finally {
      // Nothing is lost where this fails: what was entered before stays.
      await this.#passes.putAway().catch((error: unknown) => {
        this.#ports.log('warn', `The digests could not be put in order: ${String(error)}`);
      });
    }
  }

  /**
   * The first pass. What it reads shall belong to one moment, so it ends when file systems are let go before.
   * @returns null when the disks are to be looked at again, while what is held stays so
   */
  async #readOnce(disks: readonly RoundDisk[], signal: AbortSignal, source: Source): Promise<Stillness | null> {
    const { held, notHeld, release } = source;
    const unread = new Set(disks);
    const lost = new AbortController();
    // When all is read, it does not matter any more.
    const onLost = (): void => {
      if (unread.size > 0) lost.abort(held.lost.reason);
    };
    held.lost.addEventListener('abort', onLost);
    if (held.lost.aborted) onLost();
    const whileHeld = AbortSignal.any([signal, lost.signal]);
    let judged: Promise<Stillness | null> | null = null;
    const onRead = (disk: RoundDisk): void => {
      unread.delete(disk);
      // The source goes on as soon as the last disk is read, not when the target has written it.
      if (unread.size > 0 || judged !== null) return;
      judged = this.#judge(disks, notHeld, release);
      judged.catch(() => undefined);
    };
    try {
      await this.#ports.changes.settle();
      await severalAtOnce(disks, this.#ports.disksAtOnce, whileHeld, (disk, either) =>
        this.#passes.first(disk, this.#reading(held, either), () => onRead(disk)),
      );
    } catch (error) {
      const target = disks[0]?.assigned.export;
      throw lost.signal.aborted && target !== undefined ? await this.#causeOfLostHold(error, target, signal) : error;
    } finally {
      held.lost.removeEventListener('abort', onLost);
    }
    return (judged ??= this.#judge(disks, notHeld, release));
  }

  /** What is known when all has been read once. Lets go, unless there is more to read. */
  async #judge(
    disks: readonly RoundDisk[],
    notHeld: readonly string[],
    release: Source['release'],
  ): Promise<Stillness | null> {
    const { changes } = this.#ports;
    const canLook = disks.every(({ assigned }) => !isNeverTracked(changes.standingOf(assigned.diskId)));
    if (notHeld.length > 0 && canLook) return null;
    await changes.settle();
    // Not every writer is a file system that could be seen and frozen.
    const wasWritten = disks.some(({ assigned }) => changes.wasWritten(assigned.diskId) === true);
    if (wasWritten && canLook) return null;
    void release();
    return notHeld.length > 0 || wasWritten ? 'uncertain' : 'frozen';
  }

  /** Nothing that is found here fails the round: it has read everything once. */
  async #untilUnwritten(
    disks: readonly RoundDisk[],
    signal: AbortSignal,
    { held, release }: Pick<Source, 'held' | 'release'>,
  ): Promise<Stillness> {
    const { scheduler } = this.#ports;
    const untilMs = scheduler.nowMs() + LOOK_LIMIT_MS;
    const cancel = scheduler.after(LOOK_LIMIT_MS, () => void release());
    try {
      while (scheduler.nowMs() < untilMs && !held.lost.aborted) {
        const written = await this.#lookAgain(disks, this.#reading(held, signal));
        if (written.has('unknown')) break;
        if (!written.has('yes')) return 'unwritten';
      }
      return 'uncertain';
    } finally {
      cancel();
    }
  }

  #reading({ mountPoints }: HeldFileSystems, signal: AbortSignal): Reading {
    return { signal, isHeld: true, heldMountPoints: mountPoints };
  }

  async #lookAgain(disks: readonly RoundDisk[], reading: Reading): Promise<ReadonlySet<Written>> {
    const written = new Set<Written>();
    this.#round.progress.beginPass();
    await severalAtOnce(disks, this.#ports.disksAtOnce, reading.signal, async (disk, either) => {
      written.add(await this.#passes.again(disk, { ...reading, signal: either }));
    });
    return written;
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
}

/**
 * Whether a disk is better read once before its file systems are held still: all of it has to be compared now, and as
 * changes are recorded, only what is written meanwhile has to be read again.
 */
export function isWorthReadingBefore(standing: TrackingStanding): boolean {
  return standing.comparison === 'rescan' && !isNeverTracked(standing);
}

function isNeverTracked({ comparison, reason }: TrackingStanding): boolean {
  return comparison === 'rescan' && (reason === 'tracking-unavailable' || reason === 'device-not-tracked');
}

function heldTooShort(held: HeldFileSystems): unknown {
  return held.lost.aborted
    ? held.lost.reason
    : new EndpointFailure('SOURCE_READ_FAILED', 'The file systems were not held still while they were read.');
}
