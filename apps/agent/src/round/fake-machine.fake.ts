import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  BlockSet,
  DIGEST_BLOCK_BYTES,
  DigestTable,
  roundBuffers,
  UNPACED,
  type BaselineState,
  type ForgetDifferencesOptions,
  type SyncDiskOptions,
  type SyncDiskResult,
  type TakenChanges,
  type TrackingStanding,
  type UsedBlocksOptions,
} from '#libs/block-transfer';
import {
  UNLIMITED_THROTTLE,
  type ByteRange,
  type Disk,
  type EndpointProgress,
  type EndpointReport,
  type MachineInventory,
  type RoundKind,
} from '#libs/contracts';
import type { ReportOutcome } from '#libs/endpoint-link';
import type { HeldFileSystems } from '../quiesce/hold-file-systems.js';
import { fakeAssignment, fakeDisk, fakeInventory, ROUND_ID, TASK_ID } from './round-fixture.fake.js';
import { LOOK_LIMIT_MS } from './final-sync.js';
import { PROGRESS_INTERVAL_MS } from './round-progress.js';
import { RoundRunner } from './round-runner.js';
import type { RoundState } from './round-state.file.js';
import type { ChangeTracking, DigestTableStore, RoundPorts } from './round.ports.js';

export const SMALL = fakeDisk('small', DIGEST_BLOCK_BYTES, '/small');
export const LARGE = fakeDisk('large', 2 * DIGEST_BLOCK_BYTES, '/large');
export const RESULT: SyncDiskResult = {
  usedBytes: 4,
  readBytes: 4,
  sentBytes: 3,
  zeroedBytes: 2,
  durationMs: 1,
  digestAlgorithm: 'blake3',
  rootDigest: 'ab'.repeat(32),
};
const UNTRACKED = { comparison: 'rescan', reason: 'tracking-unavailable' } as const;
const STANDING = { plannedBytes: 4, processedBytes: 4, sentBytes: 3, acknowledgedBytes: 3 };

interface WantedAttempt {
  readonly roundKind?: RoundKind;
  readonly signal?: AbortSignal;
  readonly resend?: boolean;
  readonly roundId?: string;
}

/** A kernel that cannot be asked. */
export const NO_TRACKING: ChangeTracking = {
  follow: async () => undefined,
  standingOf: () => UNTRACKED,
  settle: async () => undefined,
  wasWritten: () => null,
  take: async () => ({
    ...UNTRACKED,
    dirty: null,
    matters: () => true,
    complete: () => undefined,
    giveBack: () => undefined,
  }),
};

/** A kernel that tells of writes. What is asked of it is written in the diary. */
export class FakeTracking implements ChangeTracking {
  readonly standings = new Map<string, TrackingStanding>();
  /** What was given for each disk. */
  readonly dirty = new Map<string, TakenChanges['dirty']>();
  /** Disks that are found written when all is read, whoever did that. */
  readonly writtenBehindReading = new Set<string>();
  /** How often what is taken of a disk still matters; left out: always. */
  readonly matters = new Map<string, number>();

  constructor(private readonly diary: string[]) {}

  standingOf(diskId: string): TrackingStanding {
    return this.standings.get(diskId) ?? { comparison: 'tracked', reason: null };
  }

  async follow(): Promise<void> {
    this.diary.push('follow');
  }

  async settle(): Promise<void> {
    this.diary.push('settle');
  }

  wasWritten(diskId: string): boolean {
    return this.writtenBehindReading.has(diskId);
  }

  async take(diskId: string): Promise<TakenChanges> {
    this.diary.push(`take ${diskId}`);
    const left = this.matters.get(diskId) ?? Number.POSITIVE_INFINITY;
    this.matters.set(diskId, left - 1);
    const dirty = new BlockSet(DIGEST_BLOCK_BYTES);
    this.dirty.set(diskId, dirty);
    return {
      ...this.standingOf(diskId),
      dirty,
      matters: () => left > 0,
      complete: () => this.diary.push(`complete ${diskId}`),
      giveBack: () => this.diary.push(`give back ${diskId}`),
    };
  }
}

/** A table of this disk size in which one block is known. */
export function knownTable(diskBytes: number): DigestTable {
  const table = DigestTable.unknown(diskBytes, 'blake3');
  table.set(0, new Uint8Array(32).fill(7));
  return table;
}

/** A machine in memory with two disks; everything that is done to it is written in `diary`. */
export class FakeMachine {
  diary: string[] = [];
  readonly reports: EndpointReport[] = [];
  readonly progress: EndpointProgress[] = [];
  readonly log: string[] = [];
  /** What each call for a map was given. */
  readonly mapOptions: UsedBlocksOptions[] = [];
  /** Stored digest tables by disk. */
  readonly tables = new Map<string, { table: DigestTable | null; baseline: BaselineState }>();
  /** Tables that were given out and not closed again. */
  openTables = 0;
  /** What the newest call for each disk was given. */
  readonly given = new Map<string, SyncDiskOptions>();
  /** Waits other than those between two progress messages. They are over at once. */
  readonly waitsMs: number[] = [];
  inventory: MachineInventory = fakeInventory([LARGE, SMALL]);
  state: RoundState | null = null;
  /** What the disk that the state is on answers. */
  stateRefusal: Error | null = null;
  lost = new AbortController();
  changes: ChangeTracking = NO_TRACKING;
  heldUntilRelease = true;
  /** What the newest call to hold them was given. */
  heldDisks: readonly Disk[] = [];
  /** Mount points that cannot be held. */
  notHeld: readonly string[] = [];
  /** Disks whose pace was asked for, and whether it is that of a source that is held. */
  readonly paced: [string, boolean][] = [];
  disksAtOnce = 1;
  nowMs = 0;
  answer: (report: EndpointReport) => Promise<ReportOutcome> = async () => 'acknowledged';
  reach: (signal: AbortSignal) => Promise<void> = async () => undefined;
  /** What the target is found not to hold. */
  differences: (tell: NonNullable<ForgetDifferencesOptions['onProgress']>) => Promise<ByteRange[]> = async () => [];
  transfer: (options: SyncDiskOptions) => Promise<void> = async () => undefined;
  afterTransfer: () => void = () => undefined;
  endJournal: () => Promise<void> = async () => undefined;
  /** The time is over for which a source is looked at again. */
  endLooking: () => void = () => undefined;
  #beat: () => void = () => undefined;

  /** The process that works on the rounds. */
  runner = new RoundRunner(this.#ports());

  run(roundKind: RoundKind, signal = new AbortController().signal): Promise<void> {
    return this.attempt(1, { roundKind, signal });
  }

  attempt(attempt: number, wanted: WantedAttempt = {}): Promise<void> {
    const { roundKind = 'full', signal = new AbortController().signal, resend = false, roundId = ROUND_ID } = wanted;
    const assignment = fakeAssignment(roundKind, [LARGE, SMALL], { attempt, resend });
    return this.runner.run({ ...assignment, roundId }, signal);
  }

  /** A new process: what was in memory is gone. */
  restart(): void {
    this.runner = new RoundRunner(this.#ports());
  }

  /** Half a second passes. */
  beat(): void {
    this.#beat();
  }

  /** What was done, without what matters to tables and files alone. */
  get deeds(): string[] {
    return this.diary.filter((line) => !/^(begin|end|leave|close|flush)/.test(line));
  }

  #ports(): RoundPorts {
    return {
      ...this.#sourcePorts(),
      reachTarget: async ({ exportName }, signal) => {
        this.diary.push(`reach ${exportName}`);
        await this.reach(signal);
      },
      forgetDifferences: async ({ digests, target, onProgress = () => undefined }) => {
        this.diary.push(`look for differences ${target.exportName}`);
        const differing = new BlockSet(digests.diskBytes);
        for (const range of await this.differences(onProgress)) differing.addRange(range);
        return differing;
      },
      syncDisk: (options) => this.#syncDisk(options),
      syncBlocks: (options) => this.#syncDisk(options),
      changes: this.changes,
      pace: this.#pace(),
      buffers: roundBuffers(),
      disksAtOnce: this.disksAtOnce,
      digestTables: { prepare: async () => undefined, of: (taskId, diskId) => this.#store(taskId, diskId) },
      state: {
        read: async () => {
          if (this.stateRefusal !== null) throw this.stateRefusal;
          return this.state;
        },
        write: async (state) => {
          if (this.stateRefusal !== null) throw this.stateRefusal;
          this.state = state;
        },
      },
      report: async (report) => {
        this.reports.push(report);
        return this.answer(report);
      },
      progress: (progress) => this.progress.push(progress),
      scheduler: { nowMs: () => this.nowMs, after: (delayMs, action) => this.#after(delayMs, action) },
      now: () => new Date(0),
      random: () => 0.5,
      log: (level, message) => this.log.push(`${level}: ${message}`),
    };
  }

  #sourcePorts(): Pick<RoundPorts, 'collectInventory' | 'usedBlocksOf' | 'openSourceDisk' | 'quiesce'> {
    return {
      collectInventory: async () => this.inventory,
      usedBlocksOf: async (disk, options) => {
        if (options !== undefined) this.mapOptions.push(options);
        this.diary.push(`map ${disk.diskId}`);
        return { diskBytes: disk.sizeBytes, usedBytes: 4, extents: [{ offsetBytes: 0, lengthBytes: 4 }] };
      },
      openSourceDisk: async (device) => ({
        sizeBytes: 0,
        read: async () => undefined,
        close: async () => void this.diary.push(`close ${device}`),
      }),
      quiesce: {
        flush: async (disks) => void this.diary.push(`flush ${disks.map((disk) => disk.diskId).join()}`),
        hold: async (disks) => {
          this.diary.push(`hold ${disks.map((disk) => disk.diskId).join()}`);
          this.heldDisks = disks;
          return { held: this.#held(), notHeld: this.notHeld };
        },
        holdForMap: async () => null,
      },
    };
  }

  #pace(): RoundPorts['pace'] {
    const { networkBytesPerSecond, storageShare } = UNLIMITED_THROTTLE;
    return {
      ofDisk: async (device, isHeld) => {
        this.paced.push([device, isHeld]);
        return { ...UNPACED, close: () => undefined };
      },
      figures: {
        caps: { networkBytesPerSecond, storageShare, isByCalendar: false },
        ...{ sentBytesPerSecond: 0, linkBytesPerSecond: 2, storageBytesPerSecond: 1, givesWay: false },
      },
    };
  }

  async #syncDisk(options: SyncDiskOptions): Promise<SyncDiskResult> {
    this.diary.push(`sync ${options.diskId}`);
    this.given.set(options.diskId, options);
    await this.transfer(options);
    const { digests } = options;
    for (let index = 0; index < digests.blockCount; index += 1)
      if (!digests.isKnown(index)) digests.set(index, new Uint8Array(32).fill(index + 1));
    options.onProgress?.({ activity: 'flushing', ...STANDING });
    await nextTurn();
    this.afterTransfer();
    return RESULT;
  }

  #after(delayMs: number, action: () => void): () => void {
    if (delayMs === PROGRESS_INTERVAL_MS) {
      this.#beat = action;
      return () => undefined;
    }
    if (delayMs === LOOK_LIMIT_MS) {
      this.endLooking = action;
      return () => undefined;
    }
    this.waitsMs.push(delayMs);
    const timer = setImmediate(action);
    return () => {
      clearImmediate(timer);
    };
  }

  #held(): HeldFileSystems {
    return {
      mountPoints: ['/held'],
      lost: this.lost.signal,
      release: async () => {
        this.diary.push('release');
        return this.heldUntilRelease;
      },
    };
  }

  #open(table: DigestTable): DigestTable {
    table.close = () => void (this.openTables -= 1);
    this.openTables += 1;
    return table;
  }

  #store(taskId: string, diskId: string): DigestTableStore {
    return {
      load: async ({ generation }) => {
        if (taskId !== TASK_ID || generation !== TASK_ID) throw new Error('tables of another task');
        const kept = this.tables.get(diskId) ?? { table: null, baseline: 'none' as const };
        if (kept.table !== null) this.#open(kept.table);
        return kept;
      },
      unknown: ({ diskBytes, algorithm }) => this.#open(DigestTable.unknown(diskBytes, algorithm)),
      begin: async (table) => {
        this.diary.push(`begin ${diskId}`);
        return {
          forget: async (indices) => void this.diary.push(`forget ${indices.join()} ${diskId}`),
          confirm: async (entries) =>
            void this.diary.push(`confirm ${entries.map(({ index }) => index).join()} ${diskId}`),
          end: async () => {
            this.diary.push(`end ${diskId}`);
            await this.endJournal();
            this.tables.set(diskId, { table, baseline: 'kept' });
          },
          leave: async () => {
            this.diary.push(`leave ${diskId}`);
            await this.endJournal();
            this.tables.set(diskId, { table, baseline: 'kept' });
          },
        };
      },
    };
  }
}
