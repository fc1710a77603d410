/**
 * The other measured program of ours: all disks of a machine in one round of the agent, with everything that an agent has
 * except its channel to the server.
 */
import { ChangeTracker, MachinePace, openSourceDisk, roundBuffers, syncDisk, usedBlocksOf } from '#libs/block-transfer';
import { UNLIMITED_THROTTLE, type EndpointReport, type MachineInventory } from '#libs/contracts';
import { systemScheduler } from '#libs/endpoint-link';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DISKS_AT_ONCE } from '../../../apps/agent/src/agent.js';
import { SourceQuiesce } from '../../../apps/agent/src/quiesce/source-quiesce.js';
import { DigestTableFolder } from '../../../apps/agent/src/round/digest-table.folder.js';
import { reachTarget } from '../../../apps/agent/src/round/reach-target.js';
import { RoundRunner } from '../../../apps/agent/src/round/round-runner.js';
import { RoundStateFile } from '../../../apps/agent/src/round/round-state.file.js';
import type { MachineOrder } from './machine.order.js';

async function main({ disks, server, identity, folder }: MachineOrder): Promise<EndpointReport | undefined> {
  const security = identity === null ? {} : { identity };
  const reports: EndpointReport[] = [];
  const log = (_level: string, message: string): void => {
    process.stderr.write(`${message}\n`);
  };
  const changes = new ChangeTracker({ name: 'landfall-bench', log });
  const pace = new MachinePace();
  pace.adjust(UNLIMITED_THROTTLE);
  const rounds = new RoundRunner({
    collectInventory: () => Promise.resolve(machineWith(disks)),
    ...{ usedBlocksOf, openSourceDisk, pace, changes },
    reachTarget: (target, aborted) => reachTarget(target, security, aborted),
    syncDisk: (disk) => syncDisk({ ...disk, security }),
    buffers: roundBuffers(),
    disksAtOnce: DISKS_AT_ONCE,
    digestTables: new DigestTableFolder(folder),
    quiesce: new SourceQuiesce({ ownFolders: [folder], limitSeconds: 60, log }),
    state: new RoundStateFile(join(folder, 'round.json')),
    report: (report) => {
      reports.push(report);
      return Promise.resolve('acknowledged');
    },
    progress: () => undefined,
    scheduler: systemScheduler,
    now: () => new Date(),
    random: Math.random,
    log,
  });
  try {
    await rounds.run(
      {
        kind: 'sync-round',
        ...{ assignmentId: randomUUID(), taskId: randomUUID(), roundId: randomUUID() },
        ...{ attempt: 1, roundKind: 'full', resend: false, digestAlgorithm: 'blake3' },
        disks: disks.map(({ diskId, device, sizeBytes }) => ({
          ...{ diskId, device, sizeBytes },
          export: { ...server, exportName: diskId },
        })),
      },
      new AbortController().signal,
    );
  } finally {
    await changes.stop();
  }
  return reports.at(-1);
}

function machineWith(disks: readonly MachineOrder['disks'][number][]): MachineInventory {
  return {
    hostname: 'benchmark',
    operatingSystem: { name: 'Linux', version: '', kernel: '', architecture: 'x86_64' },
    firmware: 'bios',
    ...{ cpuCount: 2, memoryBytes: 0, memoryFreeBytes: 0 },
    disks: [...disks],
    networkMounts: [],
  };
}

const last = await main(JSON.parse(process.argv[2] ?? '') as MachineOrder);
if (last?.kind !== 'round-completed') throw new Error(`the round did not end well: ${JSON.stringify(last)}`);
process.stdout.write(JSON.stringify(last));
