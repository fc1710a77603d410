import { alignedBuffer } from '#libs/block-transfer';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Random } from '../../simulation/world/random.js';
import { AgainAndAgain } from './again-and-again.js';
import { run } from './mounted-disk.js';

const MAX_FILES = 24;
const MAX_FILE_BYTES = 600_000;
const PAGE_BYTES = 4096;
const SECTOR_BYTES = 512;
/** The gap between the partition table and the first partition belongs to nobody, and counts as used. */
const GAP = { fromSector: 64, toSector: 2040 };

/** Where to write. */
export interface BusyDisk {
  readonly mountPoint: string;
  /** The whole disk, which has a gap in front of its first partition. */
  readonly device: string;
  /** Whether its file system takes `fstrim`; default: yes. */
  readonly canTrim?: boolean;
}

/** Writes to a mounted disk in every way there is, one thing after the other, and never rests while it is asked to. */
export class BusyWriter {
  private readonly writing = new AgainAndAgain(async () => {
    await this.change();
    await nextTurn();
  });

  constructor(
    private readonly disk: BusyDisk,
    private readonly random: Random,
  ) {}

  start(): void {
    this.writing.start();
  }

  /** Resolves when nothing of it is under way any more. */
  stop(): Promise<void> {
    return this.writing.stop();
  }

  /** So many changes, one after the other. */
  async write(changes: number): Promise<void> {
    for (let change = 0; change < changes; change += 1) await this.change();
  }

  private async change(): Promise<void> {
    const names = (await readdir(this.disk.mountPoint)).filter((name) => name.startsWith('f'));
    const name = this.path(`f${this.random.integer(0, MAX_FILES - 1)}`);
    const kind = this.random.integer(0, 19);
    if (kind === 0 && this.disk.canTrim !== false) await run('fstrim', this.disk.mountPoint);
    else if (kind === 1) await this.writeGap();
    else if (kind <= 4 && names.length > 3) await rm(this.path(this.random.pick(names)));
    else if (kind === 5 && names.length > 0) await truncate(this.path(this.random.pick(names)), this.fileOffset());
    else if (kind <= 8) await this.writeDirect(name);
    else await this.overwrite(name);
  }

  private async overwrite(path: string): Promise<void> {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT);
    try {
      const bytes = randomBytes(this.random.magnitude(1, 100_000));
      await file.write(bytes, 0, bytes.length, this.fileOffset());
      if (this.random.happens(0.3)) await file.sync();
    } finally {
      await file.close();
    }
  }

  private async writeDirect(path: string): Promise<void> {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_DIRECT);
    try {
      const pages = alignedBuffer(this.random.integer(1, 8) * PAGE_BYTES);
      pages.set(randomBytes(pages.length));
      await file.write(pages, 0, pages.length, Math.floor(this.fileOffset() / PAGE_BYTES) * PAGE_BYTES);
    } finally {
      await file.close();
    }
  }

  /** Single sectors of the raw device. */
  private async writeGap(): Promise<void> {
    const file = await open(this.disk.device, constants.O_RDWR | constants.O_DIRECT);
    try {
      const sector = alignedBuffer(PAGE_BYTES).subarray(0, SECTOR_BYTES);
      sector.set(randomBytes(SECTOR_BYTES));
      const place = this.random.integer(GAP.fromSector, GAP.toSector);
      await file.write(sector, 0, sector.length, place * SECTOR_BYTES);
    } finally {
      await file.close();
    }
  }

  private fileOffset(): number {
    return this.random.integer(0, MAX_FILE_BYTES);
  }

  private path(name: string): string {
    return join(this.disk.mountPoint, name);
  }
}
