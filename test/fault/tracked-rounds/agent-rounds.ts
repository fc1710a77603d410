import { reachTarget } from '../../../apps/agent/src/round/reach-target.js';
import { DigestTableFolder } from '../../../apps/agent/src/round/digest-table.folder.js';
import type { RoundPorts } from '../../../apps/agent/src/round/round.ports.js';
import { DISKS_AT_ONCE, RoundRunner } from '../../../apps/agent/src/round/round-runner.js';
import { RoundStateFile } from '../../../apps/agent/src/round/round-state.file.js';
import {
  forgetDifferences,
  MachinePace,
  openSourceDisk,
  roundBuffers,
  syncBlocks,
  syncDisk,
  usedBlocksOf,
  type DataPathSecurity,
} from '#libs/block-transfer';
import { UNLIMITED_THROTTLE, type EndpointReport } from '#libs/contracts';
import { systemScheduler } from '#libs/endpoint-link';
import { join } from 'node:path';

export interface AgentRoundsOptions extends Pick<RoundPorts, 'collectInventory' | 'changes' | 'quiesce' | 'log'> {
  /** Where state and digests are kept. */
  readonly folder: string;
  readonly security?: DataPathSecurity;
  readonly onReport: (report: EndpointReport) => void;
}

/** An agent's rounds as the agent runs them, without caps and without a server: reports go to `onReport`. */
export function agentRounds(options: AgentRoundsOptions): RoundRunner {
  const { folder, security = {}, onReport, ...ports } = options;
  const pace = new MachinePace();
  pace.adjust(UNLIMITED_THROTTLE);
  return new RoundRunner({
    ...ports,
    ...{ usedBlocksOf, openSourceDisk, pace },
    syncDisk: (disk) => syncDisk({ ...disk, security }),
    syncBlocks: (disk) => syncBlocks({ ...disk, security }),
    forgetDifferences: (disk) => forgetDifferences({ ...disk, security }),
    buffers: roundBuffers(),
    disksAtOnce: DISKS_AT_ONCE,
    reachTarget: (target, signal) => reachTarget(target, security, signal),
    digestTables: new DigestTableFolder(join(folder, 'digests')),
    state: new RoundStateFile(join(folder, 'round.json')),
    report: async (report) => {
      onReport(report);
      return 'acknowledged';
    },
    progress: () => undefined,
    scheduler: systemScheduler,
    now: () => new Date(),
    random: Math.random,
  });
}
