import { EndpointFailure, type TrackingStanding } from '#libs/block-transfer';
import type { NbdExport, Stillness } from '#libs/contracts';
import type { HeldFileSystems } from '../quiesce/hold-file-systems.js';
import type { RoundDisk } from './disk-choice.decision.js';
import type { DiskPasses, Reading, Written } from './disk-passes.js';
import { isPathLost } from './failure-of.decision.js';
import type { RoundInHand } from './round-in-hand.js';
import type { RoundPorts } from './round.ports.js';
import { severalAtOnce } from './several-at-once.js';

/**
 * How long a source is looked at again and again until nothing was written to it. While file systems are held still it
 * counts from when that began: half of the time for which they are held.
 */
const LOOK_LIMIT_MS = 30_000;

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
    const { held, notHeld } = await this.#ports.quiesce.hold(disks.map((disk) => disk.present));
    const heldSinceMs = this.#ports.scheduler.nowMs();
    let released: Promise<boolean> | null = null;
    const release = (): Promise<boolean> => (released ??= held.release());
    const target = disks[0]?.assigned.export;
    try {
      const stillness = await this.#readHeld(disks, signal, { held, notHeld, release, heldSinceMs }).catch(
        async (error: unknown) => {
          throw held.lost.aborted && target !== undefined ? await this.#causeOfLostHold(error, target, signal) : error;
        },
      );
      if (!(await release())) throw heldTooShort(held);
      this.#round.noteStillness(stillness);
    } finally {
      await release();
    }
  }

  async #readHeld(
    disks: readonly RoundDisk[],
    signal: AbortSignal,
    source: {
      readonly held: HeldFileSystems;
      readonly notHeld: readonly string[];
      readonly release: () => Promise<boolean>;
      readonly heldSinceMs: number;
    },
  ): Promise<Stillness> {
    const { held, notHeld, release, heldSinceMs } = source;
    const looksAgain = notHeld.length > 0;
    const whileHeld = AbortSignal.any([signal, held.lost]);
    const reading = { isHeld: true, heldMountPoints: held.mountPoints };
    const unread = new Set(disks);
    await this.#ports.changes.settle();
    try {
      await severalAtOnce(disks, this.#ports.disksAtOnce, whileHeld, (disk, either) =>
        this.#passes.run(disk, { ...reading, signal: either }, looksAgain, () => {
          unread.delete(disk);
          // The source goes on as soon as the last disk is read, not when the target has written it.
          if (unread.size === 0 && !looksAgain) void release();
        }),
      );
      if (!looksAgain) return 'frozen';
      const beganMs = held.mountPoints.length === 0 ? this.#ports.scheduler.nowMs() : heldSinceMs;
      return await this.#untilUnwritten(disks, { ...reading, signal: whileHeld }, beganMs + LOOK_LIMIT_MS);
    } finally {
      // Nothing is lost where this fails: what was entered before stays.
      await this.#passes.putAway().catch((error: unknown) => {
        this.#ports.log('warn', `The digests could not be put in order: ${String(error)}`);
      });
    }
  }

  async #untilUnwritten(disks: readonly RoundDisk[], reading: Reading, untilMs: number): Promise<Stillness> {
    while (this.#ports.scheduler.nowMs() < untilMs) {
      const written = await this.#lookAgain(disks, reading);
      if (written.has('unknown')) break;
      if (!written.has('yes')) return 'unwritten';
    }
    return 'uncertain';
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
export function isWorthReadingBefore({ comparison, reason }: TrackingStanding): boolean {
  return comparison === 'rescan' && reason !== 'tracking-unavailable' && reason !== 'device-not-tracked';
}

function heldTooShort(held: HeldFileSystems): unknown {
  return held.lost.aborted
    ? held.lost.reason
    : new EndpointFailure('SOURCE_READ_FAILED', 'The file systems were not held still while they were read.');
}
