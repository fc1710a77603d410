import type { DataIdentity } from '#libs/block-transfer';
import type { ByteRange, DigestAlgorithm, Disk, NbdExport } from '#libs/contracts';

/** What the measured program of ours shall do, as its only argument, in JSON. */
export interface SenderOrder {
  readonly disk: Disk;
  readonly target: NbdExport;
  /** Key and certificate for a target that has a certificate; null: in the clear. */
  readonly identity: DataIdentity | null;
  readonly algorithm: DigestAlgorithm;
  /** `all`: every byte of the disk is used; `discover`: as an agent does it, by the file systems on the disk. */
  readonly used: 'all' | 'discover';
  /** Where the digest table is kept between rounds; null: nothing is kept. */
  readonly tableFile: string | null;
  /** What the agent's own throttle lets pass; null: as fast as it goes. */
  readonly capBytesPerSecond: number | null;
  /** Change tracking's list: whole blocks. Null: everything is read and compared. */
  readonly dirty: readonly ByteRange[] | null;
}

/** What it says on standard output at its end, in JSON. */
export interface SenderReport {
  readonly sentBytes: number;
  readonly readBytes: number;
  readonly zeroedBytes: number;
  /** At the first usable connection, every second from then on, and at the end of the round. */
  readonly spent: readonly Spent[];
  readonly rootDigest: string;
}

/** Since the first usable connection: time, and the program's processor time. */
export interface Spent {
  readonly ms: number;
  readonly cpuMs: number;
}
