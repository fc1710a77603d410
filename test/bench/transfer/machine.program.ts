/**
 * The other measured program of ours: all disks of a machine in one round of the agent, with everything that an agent has
 * except its channel to the server.
 */
import { ChangeTracker } from '#libs/block-transfer';
import type { Disk, EndpointReport, MachineInventory } from '#libs/contracts';
import { keepHeapSmall } from '#libs/endpoint-link';
import { randomUUID } from 'node:crypto';
import { SourceQuiesce } from '../../../apps/agent/src/quiesce/source-quiesce.js';
import { agentRounds } from '../../fault/tracked-rounds/agent-rounds.js';
import type { MachineOrder } from './machine.order.js';

async function main({ disks, server, identity, folder }: MachineOrder): Promise<EndpointReport | undefined> {
  const reports: EndpointReport[] = [];
  const log = (_level: string, message: string): void => {
    process.stderr.write(`${message}\n`);
  };
  const changes = new ChangeTracker({ name: 'landfall-bench', log });
  const rounds = agentRounds({
    ...{ folder, log, changes },
    ...(identity === null ? {} : { security: { identity } }),
    collectInventory: () => Promise.resolve(machineWith(disks)),
    quiesce: new SourceQuiesce({ ownFolders: [folder], log }),
    onReport: (report) => reports.push(report),
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

function machineWith(disks: readonly Disk[]): MachineInventory {
  return {
    hostname: 'benchmark',
    operatingSystem: { name: 'Linux', version: '', kernel: '', architecture: 'x86_64' },
    firmware: 'bios',
    ...{ cpuCount: 2, memoryBytes: 0, memoryFreeBytes: 0 },
    disks: [...disks],
    networkMounts: [],
  };
}

keepHeapSmall();
const last = await main(JSON.parse(process.argv[2] ?? '') as MachineOrder);
if (last?.kind !== 'round-completed') throw new Error(`the round did not end well: ${JSON.stringify(last)}`);
process.stdout.write(JSON.stringify(last));
