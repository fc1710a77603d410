import type { Observer } from '../world/observation.js';
import type { Random } from '../world/random.js';
import type { SimulatedClock } from '../world/simulated-clock.js';
import { type Content, type Contents, ZEROS } from './contents.js';

export interface SourceDisk {
  readonly diskId: string;
  /** Also of blocks that no file system uses any more: leftovers, which nobody needs. */
  readonly contents: Contents;
  readonly used: Uint8Array;
}

export interface SourceManner {
  readonly disks: readonly { readonly blocks: number; readonly usedFraction: number; readonly isWritten: boolean }[];
  /** Mean pause between two writes. */
  readonly writeEveryMs: number;
  /** Writes stop of themselves after this, so that the world can come to rest. */
  readonly writesUntilMs: number;
}

/** Of all changes, how many make a block free. */
const FREED = 0.2;

/** The machine that is migrated: its disks, and the business that writes to them until it is stopped. */
export class SourceMachine {
  readonly disks: readonly SourceDisk[];
  isOn = true;
  /** The business services. They stay stopped while the machine is off. */
  areServicesRunning = true;
  lastWriteMs = 0;
  #written: Content = ZEROS;

  constructor(
    private readonly manner: SourceManner,
    private readonly clock: SimulatedClock,
    private readonly random: Random,
    private readonly observe: Observer,
  ) {
    this.disks = manner.disks.map(({ blocks, usedFraction }, index) => {
      const disk = {
        diskId: `disk-${index}`,
        contents: new Int32Array(blocks),
        used: new Uint8Array(blocks),
      };
      for (let block = 0; block < blocks; block += 1) {
        if (random.happens(usedFraction)) this.#fill(disk, block);
      }
      return disk;
    });
  }

  diskOf(diskId: string): SourceDisk {
    const disk = this.disks.find((candidate) => candidate.diskId === diskId);
    if (disk === undefined) throw new RangeError(`no disk ${diskId}`);
    return disk;
  }

  /** What a target has to hold: the used blocks, and zeros elsewhere. */
  canonical(diskId: string): Contents {
    const { contents, used } = this.diskOf(diskId);
    return contents.map((content, block) => (used[block] === 1 ? content : ZEROS));
  }

  /** Begins the business. */
  begin(): void {
    const { writeEveryMs, writesUntilMs } = this.manner;
    const pause = Math.round(-Math.log(1 - this.random.fraction()) * writeEveryMs) + 1;
    this.clock.after(pause, () => {
      if (this.isOn && this.areServicesRunning) this.#writeSomewhere();
      if (this.clock.elapsedMs < writesUntilMs) this.begin();
    });
  }

  stopServices(): void {
    this.areServicesRunning = false;
    this.observe({ kind: 'services-stopped' });
  }

  startServices(): void {
    this.areServicesRunning = true;
    this.observe({ kind: 'services-started' });
    // Back in production, it writes.
    if (this.isOn) this.#writeSomewhere();
  }

  #writeSomewhere(): void {
    const written = this.disks.filter((_disk, index) => this.manner.disks[index]?.isWritten === true);
    if (written.length === 0) return;
    const disk = this.random.pick(written);
    const block = this.random.integer(0, disk.contents.length - 1);
    if (this.random.happens(FREED)) disk.used[block] = 0;
    else this.#fill(disk, block);
    this.lastWriteMs = this.clock.nowMs;
    this.observe({ kind: 'source-written', diskId: disk.diskId, block });
  }

  #fill(disk: SourceDisk, block: number): void {
    disk.contents[block] = this.#written += 1;
    disk.used[block] = 1;
  }
}
