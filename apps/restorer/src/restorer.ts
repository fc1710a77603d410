import { describeBlake3, digestDisk, makeDataIdentity, nameWithBlake3, startNbdkit } from '#libs/block-transfer';
import {
  AssignmentFollower,
  EndpointLink,
  enrolEndpoint,
  EnrolmentUnavailableError,
  pause,
  backoffDelayMs,
  readCredential,
  systemScheduler,
  writeCredential,
  type EndLog,
  type EndpointCredential,
  type WorkAssignment,
} from '#libs/endpoint-link';
import { join } from 'node:path';
import type { RestorerConfig } from './config/restorer-config.js';
import { computeDigests } from './serving/compute-digests.js';
import { failureOf } from './serving/failure-of.decision.js';
import { GroupDigestFiles } from './serving/group-digest.files.js';
import { endLeftoverServers } from './serving/leftover-servers.js';
import type { RestorerPorts } from './serving/restorer.ports.js';
import { serveExports } from './serving/serve-exports.js';
import { readServerBytes } from './serving/server-bytes.js';
import { StartFolder } from './serving/start-folder.js';
import { SOFTWARE } from './software.js';
import { TargetDisks } from './targets/target-disks.js';

/**
 * Runs the restorer until the signal aborts: makes its disks, enrols once, then works for the server. At the end no
 * disk is served any more and all of them are on stable storage.
 * @throws EndpointFailure when a disk cannot be used, LinkRefusedError, EnrolmentRefusedError, ServerUrlError
 */
export async function runRestorer(config: RestorerConfig, log: EndLog, signal: AbortSignal): Promise<void> {
  const disks = new TargetDisks(config.disks);
  await disks.prepare();
  const credential = await obtainCredential(config, log, signal);
  if (credential === null) return;
  const tell = (level: 'info' | 'warn', message: string): void => {
    log[level](message);
  };
  const { level, message } = describeBlake3();
  tell(level, message);
  const link: EndpointLink = new EndpointLink({
    credential,
    software: nameWithBlake3(SOFTWARE),
    assignmentInHand: () => follower.inHand,
    insecureNetwork: config.insecureNetwork,
    log: tell,
  });
  const startFolder = new StartFolder(config.stateFolder);
  const ports: RestorerPorts = {
    listenHost: config.listenHost,
    allowCleartext: config.insecureNetwork,
    findDisks: (wanted) => disks.find(wanted),
    ...{ endLeftoverServers, readServerBytes, digestDisk },
    clearStartFolder: () => startFolder.clear(),
    makeIdentity: () => makeDataIdentity('restorer'),
    startNbdkit: (options) => startNbdkit({ ...options, startFolder: startFolder.path }),
    groupDigests: new GroupDigestFiles(config.stateFolder, tell),
    report: (report) => link.report(report),
    progress: (progress) => {
      link.progress(progress);
    },
    scheduler: systemScheduler,
    now: () => new Date(),
    log: tell,
  };
  const follower = new AssignmentFollower(
    (assignment, aborted) => work(ports, assignment, aborted),
    (assignment, error) => {
      log.error(`Assignment ${assignment.assignmentId} crashed: ${failureOf(error).detail}`);
    },
  );
  link.onAssignment((assignment) => {
    follower.follow(assignment);
  });
  try {
    await link.run(signal);
  } finally {
    await follower.stop();
    await disks.flush();
  }
}

async function work(ports: RestorerPorts, assignment: WorkAssignment, signal: AbortSignal): Promise<void> {
  switch (assignment.kind) {
    case 'serve-exports':
      await serveExports(ports, assignment, signal);
      return;
    case 'compute-digests':
      await computeDigests(ports, assignment, signal);
      return;
    case 'sync-round':
      ports.log('warn', `A restorer cannot do sync-round; assignment ${assignment.assignmentId} is left alone.`);
  }
}

/** The kept credential, or a new one; waits for the server as long as it takes. @returns null when aborted */
async function obtainCredential(
  config: RestorerConfig,
  log: EndLog,
  signal: AbortSignal,
): Promise<EndpointCredential | null> {
  const path = join(config.stateFolder, 'credential.json');
  const kept = await readCredential(path);
  // The configuration may name the same server by a new address.
  if (kept !== null) return { ...kept, serverUrl: config.serverUrl };
  const { serverUrl, token, name, insecureNetwork } = config;
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      const credential = await enrolEndpoint({ serverUrl, token, kind: 'restorer', name, insecureNetwork, signal });
      await writeCredential(path, credential);
      log.info(`Enrolled as ${credential.endpointId}.`);
      return credential;
    } catch (error) {
      if (!(error instanceof EnrolmentUnavailableError)) throw error;
      log.warn(error.message);
      await pause(systemScheduler, backoffDelayMs(attempt, Math.random()), signal);
    }
  }
  return null;
}
