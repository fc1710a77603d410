/**
 * An agent's rounds in a process of their own, to be killed: takes assignments from its parent, and tells it every
 * report. Started by `campaign.ts`.
 */
import { SourceQuiesce } from '../../../apps/agent/src/quiesce/source-quiesce.js';
import { ChangeTracker } from '#libs/block-transfer';
import type { Disk, EndpointReport, MachineInventory, SyncRoundAssignment } from '#libs/contracts';
import { agentRounds } from './agent-rounds.js';

export interface WorkerOrder {
  readonly assignment: SyncRoundAssignment;
  readonly disks: readonly Disk[];
}

export type WorkerNews =
  | { readonly report: EndpointReport }
  | { readonly ended: string }
  | { readonly log: string }
  | { readonly ready: true };

const [folder = '', traceName = '', bufferKib = ''] = process.argv.slice(2);
const tell = (news: WorkerNews): void => void process.send?.(news);
const log = (level: string, message: string): void => tell({ log: `${level}: ${message}` });
let disks: readonly Disk[] = [];

const runner = agentRounds({
  ...{ folder, log },
  collectInventory: async () => inventoryOf(disks),
  quiesce: new SourceQuiesce({ ownFolders: [folder], log }),
  changes: new ChangeTracker({
    name: traceName,
    log,
    ...(bufferKib === '' ? {} : { bufferKibPerCpu: Number(bufferKib) }),
  }),
  onReport: (report) => tell({ report }),
});

process.on('message', (order: WorkerOrder) => {
  disks = order.disks;
  runner.run(order.assignment, new AbortController().signal).then(
    () => tell({ ended: order.assignment.assignmentId }),
    (error: unknown) => {
      tell({ log: String(error) });
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
tell({ ready: true });

function inventoryOf(present: readonly Disk[]): MachineInventory {
  return {
    hostname: 'host',
    operatingSystem: { name: 'Linux', version: '1', kernel: '1', architecture: 'x86_64' },
    firmware: 'bios',
    cpuCount: 1,
    memoryBytes: 1,
    memoryFreeBytes: 1,
    disks: [...present],
    networkMounts: [],
  };
}
