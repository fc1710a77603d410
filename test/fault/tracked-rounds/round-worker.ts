/**
 * An agent's rounds in a process of their own, to be killed: takes assignments from its parent, and tells it every
 * report. Started by `campaign.ts`.
 */
import { reachTarget } from '../../../apps/agent/src/round/reach-target.js';
import { DigestTableFolder } from '../../../apps/agent/src/round/digest-table.folder.js';
import { RoundRunner } from '../../../apps/agent/src/round/round-runner.js';
import { RoundStateFile } from '../../../apps/agent/src/round/round-state.file.js';
import { SourceQuiesce } from '../../../apps/agent/src/quiesce/source-quiesce.js';
import {
  ChangeTracker,
  forgetDifferences,
  MachinePace,
  openSourceDisk,
  roundBuffers,
  syncDisk,
  usedBlocksOf,
} from '#libs/block-transfer';
import {
  UNLIMITED_THROTTLE,
  type Disk,
  type EndpointReport,
  type MachineInventory,
  type SyncRoundAssignment,
} from '#libs/contracts';
import { systemScheduler } from '#libs/endpoint-link';
import { join } from 'node:path';

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

const pace = new MachinePace();
pace.adjust(UNLIMITED_THROTTLE);
const runner = new RoundRunner({
  collectInventory: async () => inventoryOf(disks),
  ...{ usedBlocksOf, openSourceDisk, forgetDifferences, syncDisk, pace },
  buffers: roundBuffers(),
  disksAtOnce: 2,
  reachTarget: (target, signal) => reachTarget(target, {}, signal),
  digestTables: new DigestTableFolder(join(folder, 'digests')),
  changes: new ChangeTracker({
    name: traceName,
    log,
    ...(bufferKib === '' ? {} : { bufferKibPerCpu: Number(bufferKib) }),
  }),
  quiesce: new SourceQuiesce({ ownFolders: [folder], log }),
  state: new RoundStateFile(join(folder, 'round.json')),
  report: async (report) => {
    tell({ report });
    return 'acknowledged';
  },
  progress: () => undefined,
  scheduler: systemScheduler,
  now: () => new Date(),
  random: Math.random,
  log,
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
