import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Comparison, RescanReason } from '#libs/contracts';
import { reasonOf } from '../endpoint-failure.js';
import type { BlockSet } from '../round/block-set.js';
import type { DiskResume } from '../round/disk-resume.js';
import type { UsedMap } from '../used-blocks/used-map.js';
import { DiskChanges } from './disk-changes.js';
import { ensureTraceFs } from './trace-fs.js';
import { removeInstance, TraceInstance } from './trace-instance.js';
import { trackedDevice, type TrackedDevice } from './tracked-device.js';
import { TrackingFailure } from './tracking-failure.js';
import type { DiskEvent } from './write-event.decision.js';

/** Kernel memory for events that wait to be read, over all processors: half a million of them. */
const BUFFER_KIB = 32 * 1024;
const MIN_BUFFER_KIB_PER_CPU = 256;
const MAX_BUFFER_KIB_PER_CPU = 4 * 1024;
/** Waiting events are fetched this often; a processor's buffer of 4 MiB holds some 70,000. */
const FETCH_EVERY_MS = 500;

export interface DiskToTrack {
  readonly diskId: string;
  readonly device: string;
  readonly sizeBytes: number;
}

/** How the next round over a disk finds what changed. */
export interface TrackingStanding {
  readonly comparison: Extract<Comparison, 'tracked' | 'rescan'>;
  /** Why not `tracked`. */
  readonly reason: RescanReason | null;
}

/** What one attempt of a round has to read of one disk. */
export interface TakenChanges extends TrackingStanding {
  /** Null: everything. */
  readonly dirty: BlockSet | null;
  /** Whether the target can differ, by what is known: false only when no used block was written since the last take. */
  matters(): boolean;
  /** All blocks are done. */
  complete(): void;
  /** The attempt ended before. */
  giveBack(): void;
}

const UNTRACKED = { dirty: null, matters: () => true, complete: () => undefined, giveBack: () => undefined };

export interface ChangeTrackerOptions {
  /** Of the instance in tracefs: one per agent on the machine. */
  readonly name: string;
  readonly log: (level: 'info' | 'warn', message: string) => void;
  /** Kernel memory per processor; small ones lose events early (tests). */
  readonly bufferKibPerCpu?: number;
}

interface Followed extends DiskToTrack {
  readonly found: TrackedDevice | TrackingFailure;
  changes: DiskChanges | null;
  /** Why the next round reads everything, until one has. */
  reason: RescanReason;
}

/**
 * Records which blocks of some disks are written, by the kernel's own block events; no kernel module. What it says is
 * complete or it says nothing: whatever breaks the recording ends its *generation*, and the next round of each disk is
 * a rescan. Nothing here ever fails a round.
 *
 * Calls wait for each other, as disks are worked on at the same time: one that ends a generation begins another, and
 * until that records nobody may be told what to read.
 */
export class ChangeTracker {
  private instance: TraceInstance | null = null;
  /** What the generation in hand is about; null: there is none. */
  private subject: string | null = null;
  private followed = new Map<string, Followed>();
  private byDevice = new Map<number, Followed>();
  private fetching: NodeJS.Timeout | null = null;
  /** Found between two calls; the next one sees to it. */
  private broken: TrackingFailure | null = null;
  private readonly said = new Set<string>();
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: ChangeTrackerOptions) {}

  /**
   * Takes away what an earlier process of this name has left recording, when it was killed: whether or not there is
   * another round, it costs memory and time with each request until the machine starts anew.
   */
  async removeLeftOver(): Promise<void> {
    await removeInstance(this.options.name).catch((error: unknown) => {
      this.options.log('warn', `The tracking of an earlier process could not be taken away: ${reasonOf(error)}.`);
    });
  }

  /**
   * From here on these disks are followed, for rounds of `task`: once per attempt, before anything is read. Goes on with
   * the generation in hand when it is whole, and of the same task and disks.
   */
  follow(task: string, disks: readonly DiskToTrack[]): Promise<void> {
    return this.inTurn(async () => {
      const found = await findDevices(disks);
      const subject = subjectOf(task, found);
      if (this.subject !== subject)
        await this.begin(this.subject === null ? 'tracking-began' : 'device-changed', subject, found);
      else await this.assure(() => this.fetch());
    });
  }

  /** How the next round over this disk would find what changed. */
  standingOf(diskId: string): TrackingStanding {
    const followed = this.followed.get(diskId);
    if (followed?.changes?.isComplete === true) return { comparison: 'tracked', reason: null };
    return { comparison: 'rescan', reason: followed?.reason ?? 'tracking-unavailable' };
  }

  /** After file systems were brought to rest: what was written until now is in the sets afterwards. */
  settle(): Promise<void> {
    return this.inTurn(() => this.assure(async () => this.instance?.drainToMarks((event) => this.note(event))));
  }

  /** What an attempt over this disk has to read, by its used map. To be called before the first read. */
  take(diskId: string, used: UsedMap, resume: DiskResume): Promise<TakenChanges> {
    return this.inTurn(async () => {
      await this.assure(() => this.fetch());
      return this.taken(diskId, used, resume);
    });
  }

  /** Whether a used block of a disk was written since its last take, by what was seen so far; null: nobody can tell. */
  wasWritten(diskId: string): boolean | null {
    const changes = this.followed.get(diskId)?.changes ?? null;
    return this.subject === null || changes === null ? null : changes.usedWasWritten;
  }

  /** Ends the recording. */
  stop(): Promise<void> {
    return this.inTurn(() => this.end());
  }

  private taken(diskId: string, used: UsedMap, resume: DiskResume): TakenChanges {
    const standing = this.standingOf(diskId);
    const changes = this.followed.get(diskId)?.changes ?? null;
    if (changes === null) return { ...standing, ...UNTRACKED };
    const dirty = changes.take(used, resume.doneBlocks);
    return {
      ...standing,
      dirty,
      matters: () => changes.takenMatters,
      complete: () => changes.complete(),
      giveBack: () => changes.giveBack(resume.doneBlocks),
    };
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async end(): Promise<void> {
    if (this.fetching !== null) clearInterval(this.fetching);
    const { instance } = this;
    this.fetching = null;
    this.instance = null;
    this.subject = null;
    this.broken = null;
    await instance?.close();
  }

  private async begin(reason: RescanReason, subject: string, found: readonly FoundDisk[]): Promise<void> {
    await this.end();
    const disks = found.map((disk) => beginDisk(disk, reason));
    this.followed = new Map(disks.map((disk) => [disk.diskId, disk]));
    this.byDevice = new Map(
      disks.flatMap((disk) => (disk.found instanceof TrackingFailure ? [] : [[disk.found.number, disk] as const])),
    );
    for (const { device, found: failure } of disks) {
      if (failure instanceof TrackingFailure)
        this.sayOnce(`of ${device} are found by comparing digests: ${failure.message}`);
    }
    this.subject = subject;
    if (this.byDevice.size === 0) return;
    try {
      await this.record();
    } catch (error) {
      this.withoutTracking(error);
      return;
    }
    this.options.log(
      'info',
      `Changes of ${this.byDevice.size} disks are tracked, generation ${randomUUID()} (${reason}).`,
    );
  }

  private async record(): Promise<void> {
    await ensureTraceFs();
    this.instance = await TraceInstance.create({
      name: this.options.name,
      devices: [...this.byDevice.keys()],
      bufferKibPerCpu: this.options.bufferKibPerCpu ?? bufferKibPerCpu(),
    });
    this.fetching = setInterval(() => this.fetchInBetween(), FETCH_EVERY_MS);
    this.fetching.unref();
  }

  private withoutTracking(error: unknown): void {
    for (const disk of this.byDevice.values()) {
      disk.changes = null;
      disk.reason = 'tracking-unavailable';
    }
    // The next attempt tries again.
    this.subject = null;
    this.sayOnce(`are found by comparing digests: ${reasonOf(error)}`);
  }

  private sayOnce(what: string): void {
    if (this.said.has(what)) return;
    this.said.add(what);
    this.options.log('warn', `Changes ${what}.`);
  }

  private fetch(): void {
    this.instance?.drain((event) => this.note(event));
  }

  private fetchInBetween(): void {
    if (this.broken !== null) return;
    try {
      this.fetch();
    } catch (error) {
      if (!(error instanceof TrackingFailure)) throw error;
      this.broken = error;
    }
  }

  /** Does this with a generation that is whole. One that is not is ended, and another begun before anything is read. */
  private async assure(work: () => unknown): Promise<void> {
    if (this.subject === null) return;
    try {
      if (this.broken !== null) throw this.broken;
      await work();
      this.instance?.verify();
    } catch (error) {
      if (!(error instanceof TrackingFailure)) throw error;
      this.options.log('warn', `The tracking of changes was interrupted (${error.reason}): ${error.message}.`);
      const found = await findDevices([...this.followed.values()]);
      await this.begin(error.reason, this.subject, found);
    }
  }

  private note(event: DiskEvent): void {
    const disk = event.kind === 'nothing' ? undefined : this.byDevice.get(event.device);
    if (event.kind === 'nothing' || disk?.changes === undefined || disk.changes === null) return;
    if (event.kind === 'write') disk.changes.record(event.sector, event.sectors);
    else if (event.kind === 'discard') disk.changes.recordDiscard(event.sector, event.sectors);
    else if (event.kind === 'discard-begun') disk.changes.recordDiscardBegun(event.sector, event.sectors);
    else this.forgetAfterRawCommand(disk, disk.changes);
  }

  private forgetAfterRawCommand(disk: Followed, { isComplete }: DiskChanges): void {
    if (isComplete) this.options.log('warn', `${disk.device} got a raw command: its next round compares.`);
    disk.changes = new DiskChanges(disk.sizeBytes);
    disk.reason = 'raw-command';
  }
}

interface FoundDisk {
  readonly disk: DiskToTrack;
  readonly found: TrackedDevice | TrackingFailure;
}

async function findDevices(disks: readonly DiskToTrack[]): Promise<FoundDisk[]> {
  return Promise.all(
    disks.map(async ({ diskId, device, sizeBytes }) => {
      const found = await trackedDevice(device).catch((error: unknown) => {
        if (error instanceof TrackingFailure) return error;
        throw error;
      });
      return { disk: { diskId, device, sizeBytes }, found };
    }),
  );
}

/** Two generations about the same thing have the same text. */
function subjectOf(task: string, disks: readonly FoundDisk[]): string {
  const parts = disks.map(({ disk: { diskId, sizeBytes }, found }) =>
    JSON.stringify([diskId, sizeBytes, found instanceof TrackingFailure ? found.reason : found.identity]),
  );
  return [task, ...parts.sort()].join('\n');
}

function beginDisk({ disk, found }: FoundDisk, reason: RescanReason): Followed {
  return found instanceof TrackingFailure
    ? { ...disk, found, changes: null, reason: found.reason }
    : { ...disk, found, changes: new DiskChanges(disk.sizeBytes), reason };
}

function bufferKibPerCpu(): number {
  const share = Math.floor(BUFFER_KIB / availableParallelism());
  return Math.min(MAX_BUFFER_KIB_PER_CPU, Math.max(MIN_BUFFER_KIB_PER_CPU, share));
}
