import type { DataIdentity } from '#libs/block-transfer';
import type { Disk, NbdExport } from '#libs/contracts';

/** What the measured program of a whole machine shall do, as its only argument, in JSON. */
export interface MachineOrder {
  /** All to be copied in one full round. */
  readonly disks: readonly Disk[];
  /** Who serves the targets, each by its disk's id as the name of the export. */
  readonly server: Omit<NbdExport, 'exportName'>;
  readonly identity: DataIdentity | null;
  /** For digest tables and the state of the round. */
  readonly folder: string;
}
