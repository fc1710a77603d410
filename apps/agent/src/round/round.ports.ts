import type {
  ChangeTracker,
  DigestTableFile,
  forgetDifferences,
  MachinePace,
  openSourceDisk,
  RoundBuffers,
  syncBlocks,
  syncDisk,
  usedBlocksOf,
} from '#libs/block-transfer';
import type { Disk, EndpointProgress, EndpointReport, MachineInventory, NbdExport } from '#libs/contracts';
import type { ReportOutcome, Scheduler } from '#libs/endpoint-link';
import type { HeldFileSystems } from '../quiesce/hold-file-systems.js';
import type { RoundState } from './round-state.file.js';

/** The digests of one target disk, kept between rounds. */
export type DigestTableStore = Pick<DigestTableFile, 'load' | 'unknown' | 'begin'>;

export interface DigestTables {
  /** Once per attempt, before any table of the task is used. */
  prepare(taskId: string): Promise<void>;
  of(taskId: string, diskId: string): DigestTableStore;
}

/** File systems of which nothing waits in memory any more. */
export interface SourceAtRest {
  readonly held: HeldFileSystems;
  /** Where those are mounted that go on being written to. */
  readonly notHeld: readonly string[];
}

/** What brings the source's file systems to rest. */
export interface Quiesce {
  /** Writes everything that is still in memory to the disk. */
  flush(disks: readonly Disk[]): Promise<void>;
  /** Flushes, then holds the file systems still where that is safe. */
  hold(disks: readonly Disk[]): Promise<SourceAtRest>;
  /** Holds one file system of the disk still while its block map is read; null when that is not safe, or fails. */
  holdForMap(disk: Disk, mountPoint: string): Promise<HeldFileSystems | null>;
}

/** What was written on the source since the last round. */
export type ChangeTracking = Pick<ChangeTracker, 'follow' | 'standingOf' | 'settle' | 'take' | 'wasWritten'>;

export interface RoundPorts {
  readonly collectInventory: () => Promise<MachineInventory>;
  readonly usedBlocksOf: typeof usedBlocksOf;
  readonly openSourceDisk: typeof openSourceDisk;
  /** Finds out whether a target disk can be reached. Rejects with an EndpointFailure, or with the signal's reason. */
  readonly reachTarget: (target: NbdExport, signal: AbortSignal) => Promise<void>;
  readonly forgetDifferences: typeof forgetDifferences;
  readonly syncDisk: typeof syncDisk;
  readonly syncBlocks: typeof syncBlocks;
  /** What rounds may take of this machine. */
  readonly pace: Pick<MachinePace, 'ofDisk' | 'figures'>;
  /** What all disks are read into. */
  readonly buffers: RoundBuffers;
  /** Disks that are worked on at the same time. */
  readonly disksAtOnce: number;
  readonly digestTables: DigestTables;
  readonly changes: ChangeTracking;
  readonly quiesce: Quiesce;
  readonly state: { read(): Promise<RoundState | null>; write(state: RoundState): Promise<void> };
  readonly report: (report: EndpointReport) => Promise<ReportOutcome>;
  readonly progress: (progress: EndpointProgress) => void;
  readonly scheduler: Scheduler;
  readonly now: () => Date;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}
