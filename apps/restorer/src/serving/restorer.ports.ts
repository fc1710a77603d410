import type { DataIdentity, digestDisk, startNbdkit } from '#libs/block-transfer';
import type { EndpointProgress, EndpointReport } from '#libs/contracts';
import type { ReportOutcome, Scheduler } from '#libs/endpoint-link';
import type { TargetDisk } from '../config/restorer-config.js';
import type { WantedDisk } from '../targets/target-disks.js';
import type { GroupDigestFiles } from './group-digest.files.js';
import type { endLeftoverServers } from './leftover-servers.js';
import type { readServerBytes } from './server-bytes.js';

export interface RestorerPorts {
  readonly listenHost: string;
  /** The operator allowed it to serve another machine in the clear. */
  readonly allowCleartext: boolean;
  readonly findDisks: (wanted: readonly WantedDisk[]) => readonly TargetDisk[];
  readonly endLeftoverServers: typeof endLeftoverServers;
  /** Makes the folder in which servers start, without what an earlier process may have left in it. */
  readonly clearStartFolder: () => Promise<void>;
  readonly makeIdentity: () => Promise<DataIdentity>;
  readonly startNbdkit: typeof startNbdkit;
  readonly readServerBytes: typeof readServerBytes;
  readonly digestDisk: typeof digestDisk;
  readonly groupDigests: Pick<GroupDigestFiles, 'keep' | 'pathOf'>;
  readonly report: (report: EndpointReport) => Promise<ReportOutcome>;
  readonly progress: (progress: EndpointProgress) => void;
  readonly scheduler: Scheduler;
  readonly now: () => Date;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}
