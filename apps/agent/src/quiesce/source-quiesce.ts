import { EndpointFailure } from '#libs/block-transfer';
import type { Disk } from '#libs/contracts';
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { parseMountTable } from '../inventory/mount-table.parser.js';
import type { Quiesce, RoundPorts, SourceAtRest } from '../round/round.ports.js';
import { holdFileSystems, NOTHING_HELD, type HeldFileSystems } from './hold-file-systems.js';
import { mountedOn, planHold, type HoldPlan, type MountedFileSystem, type Place } from './hold-plan.decision.js';

const run = promisify(execFile);
/** Writing out everything in memory; large machines with slow disks take minutes. */
const FLUSH_LIMIT_MS = 600_000;
const FINDMNT_LIMIT_MS = 10_000;
/** Reading a map takes milliseconds, or a second or two on a large and badly fragmented file system. */
const MAP_HOLD_LIMIT_SECONDS = 10;

export interface SourceQuiesceOptions {
  /** Folders that the agent writes to; their file systems are never held. */
  readonly ownFolders: readonly string[];
  readonly limitSeconds?: number;
  readonly log: RoundPorts['log'];
}

/** Brings a Linux machine's file systems to rest, with `sync` and `fsfreeze`. */
export class SourceQuiesce implements Quiesce {
  constructor(private readonly options: SourceQuiesceOptions) {}

  async flush(disks: readonly Disk[]): Promise<void> {
    for (const { mountPoint } of await stillMountedOn(disks)) await flushFileSystem(mountPoint);
  }

  async hold(disks: readonly Disk[]): Promise<SourceAtRest> {
    await this.flush(disks);
    const plan = await this.#plan(await stillMountedOn(disks));
    for (const { fileSystem, reason } of plan.flushOnly) this.#explain(fileSystem, reason);
    const notHeld = plan.flushOnly.map(({ fileSystem: { mountPoint } }) => mountPoint);
    if (plan.hold.length === 0) return { held: NOTHING_HELD, notHeld };
    const limit = this.options.limitSeconds === undefined ? {} : { limitSeconds: this.options.limitSeconds };
    const mountPoints = plan.hold.map(({ mountPoint }) => mountPoint);
    return { held: await holdFileSystems(mountPoints, limit), notHeld };
  }

  async holdForMap(disk: Disk, mountPoint: string): Promise<HeldFileSystems | null> {
    const plan = await this.#plan(mountedOn([disk]).filter((mounted) => mounted.mountPoint === mountPoint));
    if (plan.hold.length === 0) return null;
    const limitSeconds = Math.min(MAP_HOLD_LIMIT_SECONDS, this.options.limitSeconds ?? MAP_HOLD_LIMIT_SECONDS);
    try {
      return await holdFileSystems([mountPoint], { limitSeconds });
    } catch (error) {
      if (!(error instanceof EndpointFailure)) throw error;
      this.options.log('warn', error.detail);
      return null;
    }
  }

  async #plan(mounted: readonly MountedFileSystem[]): Promise<HoldPlan> {
    const placed = await Promise.all(
      mounted.map(async (fileSystem) => ({ ...fileSystem, place: await placeOf(fileSystem.mountPoint) })),
    );
    const own = await Promise.all(['/', tmpdir(), ...this.options.ownFolders].map(placeOf));
    return planHold(placed, own);
  }

  #explain(fileSystem: MountedFileSystem, reason: string): void {
    const { mountPoint, device } = fileSystem;
    this.options.log('warn', `${mountPoint} (${device}) is flushed but not held still: ${reason}.`);
  }
}

/** Without what went away since the inventory was taken, such as a snapshot of a backup: there is nothing left to flush. */
async function stillMountedOn(disks: readonly Disk[]): Promise<MountedFileSystem[]> {
  const mounts = parseMountTable(await readFile('/proc/self/mountinfo', 'utf8'));
  const points = new Set(mounts.map(({ mountPoint }) => mountPoint));
  return mountedOn(disks).filter(({ mountPoint }) => points.has(mountPoint));
}

async function flushFileSystem(mountPoint: string): Promise<void> {
  try {
    await run('sync', ['--file-system', '--', mountPoint], { timeout: FLUSH_LIMIT_MS });
  } catch (error) {
    throw new EndpointFailure('SOURCE_READ_FAILED', `${mountPoint} could not be flushed: ${String(error)}`, {
      cause: error,
    });
  }
}

async function placeOf(path: string): Promise<Place> {
  const { dev } = await stat(path);
  const { stdout } = await run('findmnt', ['--noheadings', '--output', 'SOURCE', '--target', path], {
    timeout: FINDMNT_LIMIT_MS,
  });
  // The top mount comes last when several are stacked; `[/subvolume]` is not part of the device.
  const source = stdout.trim().split('\n').at(-1) ?? '';
  return { deviceNumber: dev, sourceDevice: source.replace(/\[.*\]$/, '') };
}
