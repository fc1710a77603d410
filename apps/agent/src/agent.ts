import {
  ChangeTracker,
  describeBlake3,
  forgetDifferences,
  MachinePace,
  makeDataIdentity,
  nameWithBlake3,
  openSourceDisk,
  roundBuffers,
  syncBlocks,
  syncDisk,
  usedBlocksOf,
} from '#libs/block-transfer';
import { DEFAULT_THROTTLE, type EndpointReport } from '#libs/contracts';
import {
  AssignmentFollower,
  EndpointLink,
  systemScheduler,
  type EndLog,
  type EndpointCredential,
  type ReportOutcome,
} from '#libs/endpoint-link';
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { collectInventory } from './inventory/collect-inventory.js';
import { InventoryReporter } from './inventory-reports/inventory.reporter.js';
import { SourceQuiesce } from './quiesce/source-quiesce.js';
import { DigestTableFolder } from './round/digest-table.folder.js';
import { failureOf } from './round/failure-of.decision.js';
import { ofAttempt } from './round/of-attempt.js';
import { reachTarget } from './round/reach-target.js';
import { DISKS_AT_ONCE, RoundRunner } from './round/round-runner.js';
import { RoundStateFile } from './round/round-state.file.js';
import { SOFTWARE } from './software.js';
import type { AgentState } from './state/agent-state.js';

export interface AgentOptions {
  readonly state: AgentState;
  readonly credential: EndpointCredential;
  /** The only disks that are offered; undefined: all eligible ones. */
  readonly disks: readonly string[] | undefined;
  readonly insecureNetwork: boolean;
  readonly holdLimitSeconds: number;
  /** Folders beside the state folder that the agent writes to. */
  readonly ownFolders: readonly string[];
  readonly log: EndLog;
}

/**
 * Runs the agent until the signal aborts: keeps its channel to the server, reports the inventory, works on rounds.
 * @throws LinkRefusedError, ServerUrlError
 */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const log = (level: 'info' | 'warn', message: string): void => {
    options.log[level](message);
  };
  // In memory, and new with each process: a round never outlives the process that began it.
  const identity = await makeDataIdentity('agent');
  const security = { identity, allowCleartext: options.insecureNetwork };
  const { level, message } = describeBlake3();
  log(level, message);
  const link: EndpointLink = new EndpointLink({
    credential: options.credential,
    software: nameWithBlake3(SOFTWARE),
    assignmentInHand: () => follower.inHand,
    dataCertificate: identity.certificate,
    insecureNetwork: options.insecureNetwork,
    log,
  });
  const report = (made: EndpointReport): Promise<ReportOutcome> => link.report(made);
  const inventories = new InventoryReporter({
    collectInventory: () => collectInventory({ disks: options.disks }),
    report,
    scheduler: systemScheduler,
    log,
  });
  const changes = new ChangeTracker({ name: traceNameOf(options.state.folder), log });
  await changes.removeLeftOver();
  const pace = new MachinePace();
  const rounds = new RoundRunner({
    collectInventory: () => inventories.collect(),
    ...{ usedBlocksOf, openSourceDisk, pace },
    reachTarget: (target, aborted) => reachTarget(target, security, aborted),
    forgetDifferences: (disk) => forgetDifferences({ ...disk, security }),
    syncDisk: (disk) => syncDisk({ ...disk, security }),
    syncBlocks: (disk) => syncBlocks({ ...disk, security }),
    buffers: roundBuffers(),
    disksAtOnce: DISKS_AT_ONCE,
    digestTables: new DigestTableFolder(options.state.digestsFolder),
    changes,
    quiesce: new SourceQuiesce({
      ownFolders: [options.state.folder, ...options.ownFolders],
      limitSeconds: options.holdLimitSeconds,
      log,
    }),
    state: new RoundStateFile(options.state.roundPath),
    report,
    progress: (progress) => {
      link.progress(progress);
    },
    scheduler: systemScheduler,
    now: () => new Date(),
    random: Math.random,
    log,
  });
  const follower = followAssignments(rounds, report, options.log);
  link.onAssignment((assignment) => {
    // Not by way of the follower: for it, the same assignment again is nothing new.
    if (assignment.kind === 'sync-round') pace.adjust(assignment.throttle ?? DEFAULT_THROTTLE);
    follower.follow(assignment);
  });
  try {
    await keepUp(link, inventories, follower, signal);
  } finally {
    await changes.stop();
  }
}

/** One name per agent on the machine, and the same after a restart, so that nothing is left behind. */
function traceNameOf(stateFolder: string): string {
  return `landfall-${createHash('sha256').update(resolve(stateFolder)).digest('hex').slice(0, 12)}`;
}

function followAssignments(
  rounds: RoundRunner,
  report: (report: EndpointReport) => Promise<ReportOutcome>,
  log: EndLog,
): AssignmentFollower {
  return new AssignmentFollower(
    async (assignment, aborted) => {
      if (assignment.kind === 'sync-round') await rounds.run(assignment, aborted);
      else log.warn(`An agent cannot do ${assignment.kind}; assignment ${assignment.assignmentId} is left alone.`);
    },
    (assignment, error) => {
      const failure = failureOf(error);
      log.error(`Assignment ${assignment.assignmentId} crashed: ${failure.detail}`);
      if (assignment.kind !== 'sync-round') return;
      report({ kind: 'round-failed', ...ofAttempt(assignment), ...failure }).catch(() => undefined);
    },
  );
}

/** Everything ends together: when the link is refused, the rest must not keep the process alive. */
async function keepUp(
  link: EndpointLink,
  inventories: InventoryReporter,
  follower: AssignmentFollower,
  signal: AbortSignal,
): Promise<void> {
  const end = new AbortController();
  const all = AbortSignal.any([signal, end.signal]);
  const reporting = inventories.run(all);
  // The work ends first: what it has to say on its way out may still find the channel.
  const linkEnd = new AbortController();
  const winding = new Promise<void>((resolve) => {
    all.addEventListener('abort', () => resolve(), { once: true });
    if (all.aborted) resolve();
  })
    .then(() => follower.stop())
    .finally(() => {
      linkEnd.abort();
    });
  try {
    await link.run(linkEnd.signal);
  } finally {
    end.abort();
    await winding;
    await reporting;
  }
}
