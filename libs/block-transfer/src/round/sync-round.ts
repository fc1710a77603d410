import type { ByteRange, DigestAlgorithm, NbdExport } from '#libs/contracts';
import type { DigestJournal } from '../digests/digest-journal.js';
import type { DigestTable } from '../digests/digest-table.js';
import type { NbdConnectOptions } from '../nbd/nbd-connection.js';
import type { DataPathSecurity } from '../nbd/nbd-dial.js';
import type { SourceDisk } from '../source/source-disk.js';
import type { TransferPace } from '../throttle/transfer-pace.js';
import type { UsedMap } from '../used-blocks/used-map.js';
import type { Blocks, BlockSet } from './block-set.js';
import type { DiskResume } from './disk-resume.js';
import type { RoundBuffers } from './round-buffers.js';

export interface RoundProgress {
  readonly activity: 'mapping' | 'transferring' | 'flushing';
  /** Bytes of all blocks that have used bytes: what the round reads and compares. */
  readonly plannedBytes: number;
  /** How much of it is done with, by earlier attempts of the round too. */
  readonly processedBytes: number;
  /** Payload of NBD writes handed to the connections in this attempt. */
  readonly sentBytes: number;
  /** How much of `sentBytes` is durable on the target. */
  readonly acknowledgedBytes: number;
}

export interface SyncDiskOptions {
  diskId: string;
  source: SourceDisk;
  used: UsedMap;
  target: NbdExport;
  /** Left out: only exports on this machine, without TLS. */
  security?: DataPathSecurity;
  /** Default 2; 1 when the server does not offer more. */
  connections?: number;
  /**
   * What the target is known to hold. Null: nothing; all is sent, and all free ranges are zeroed.
   * May be the same table as `digests`. All attempts of a round are given the same.
   */
  baseline: DigestTable | null;
  /**
   * Filled in place. An entry is forgotten before its block is written, and set when it is durable on the target; after
   * a failed round the table is therefore a valid baseline for the next one.
   */
  digests: DigestTable;
  /**
   * Blocks that may differ from what `baseline` says of them, by their content or by the bytes of them that are used. Of
   * the others, those that the baseline knows are neither read nor compared. Left out or null: any block may differ.
   */
  dirty?: Blocks | null;
  /**
   * Nothing else is looked at: all other blocks hold what they shall, as a round that was over all of them and ended
   * just now has left them. Needs tables in which they are known. Left out: all blocks.
   */
  only?: BlockSet;
  /** What earlier attempts of the same round did on this disk; mutated. Left out: the first attempt. */
  resume?: DiskResume;
  /** Keeps the digest table usable after a crash; left out: nothing is kept (tests). */
  journal?: DigestJournal;
  /** Left out: as fast as it goes. */
  pace?: TransferPace;
  /** Shared with other disks that are worked on meanwhile; left out: a set of its own. */
  buffers?: RoundBuffers;
  signal?: AbortSignal;
  /** Called once, when the target's export is connected and usable. */
  onConnected?: () => void;
  onProgress?: (progress: RoundProgress) => void;
  /** Ranges that are durable now: a FLUSH that was sent after their replies succeeded. At least every 16 MiB of payload. */
  onAcknowledged?: (ranges: ByteRange[]) => void;
  /** Limits of the connections; for tests and slow links. */
  timeouts?: Pick<NbdConnectOptions, 'handshakeTimeoutMs' | 'replyTimeoutMs'>;
}

/** Sums of one disk in one round, over all its attempts so far; in bytes. */
export interface SyncDiskTotals {
  readonly usedBytes: number;
  readonly readBytes: number;
  /** Payload of WRITE requests. */
  readonly sentBytes: number;
  /** Covered by WRITE_ZEROES requests. */
  readonly zeroedBytes: number;
  /** Time with a usable connection. */
  readonly durationMs: number;
}

export interface SyncDiskResult extends SyncDiskTotals {
  /** The one of the tables. */
  readonly digestAlgorithm: DigestAlgorithm;
  /** Root of the digest tree over the target's content, hexadecimal. */
  readonly rootDigest: string;
}
