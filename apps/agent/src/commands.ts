import {
  enrolEndpoint,
  lockStateFolder,
  openEndLog,
  readCredential,
  writeCredential,
  type EndLog,
} from '#libs/endpoint-link';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { runAgent } from './agent.js';
import { collectInventory } from './inventory/collect-inventory.js';
import { openAgentState } from './state/agent-state.js';
import { firmwareUuid, isOfAnotherMachine, noteEnrolledMachine } from './state/enrolled-machine.js';

/** This machine was not enrolled yet, or is already. The message says what to do. */
export class EnrolmentStateError extends Error {
  override readonly name = 'EnrolmentStateError';
}

export interface EnrollCommandOptions {
  readonly server: string;
  readonly token: string;
  readonly state: string;
  readonly name?: string;
  readonly insecureNetwork?: true;
  readonly force?: true;
}

/** Exchanges the token for this machine's credential and keeps it. */
export async function enroll(options: EnrollCommandOptions): Promise<void> {
  const state = await openAgentState(options.state);
  if (options.force !== true && (await readCredential(state.credentialPath)) !== null) {
    throw new EnrolmentStateError(
      `This machine is enrolled already (${state.credentialPath}); --force enrols it anew.`,
    );
  }
  const credential = await enrolEndpoint({
    serverUrl: options.server,
    token: options.token,
    kind: 'agent',
    name: options.name ?? hostname(),
    insecureNetwork: options.insecureNetwork,
  });
  await writeCredential(state.credentialPath, credential);
  await noteEnrolledMachine(state.machinePath, await firmwareUuid());
  process.stdout.write(`Enrolled as ${credential.endpointId}.\n`);
}

export interface RunCommandOptions {
  readonly state: string;
  readonly disk?: string[];
  readonly insecureNetwork?: true;
  readonly holdLimit: number;
  readonly logFile?: string;
}

/** Works for the server until a signal ends it. */
export async function run(options: RunCommandOptions): Promise<void> {
  const state = await openAgentState(options.state);
  const credential = await readCredential(state.credentialPath);
  if (credential === null) {
    throw new EnrolmentStateError(`This machine is not enrolled (no ${state.credentialPath}); run "enroll" first.`);
  }
  if (await isOfAnotherMachine(state.machinePath, await firmwareUuid())) {
    throw new EnrolmentStateError(
      `${state.folder} was enrolled on another machine, of which this one is a copy; "enroll --force" enrols this one.`,
    );
  }
  const unlock = await lockStateFolder(state.folder);
  const log = openEndLog(options.logFile ?? null);
  const settings = {
    ...{ state, credential, log },
    disks: options.disk,
    insecureNetwork: options.insecureNetwork ?? false,
    holdLimitSeconds: options.holdLimit,
    ownFolders: options.logFile === undefined ? [] : [dirname(options.logFile)],
  };
  try {
    await runAgent(settings, untilSignal(log));
  } finally {
    await unlock();
  }
}

/** Writes what would be reported, as JSON. */
export async function inventory(options: { readonly disk?: string[] }): Promise<void> {
  const taken = await collectInventory({ disks: options.disk });
  process.stdout.write(`${JSON.stringify(taken, null, 2)}\n`);
}

function untilSignal(log: EndLog): AbortSignal {
  const abort = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      log.info(`The agent ends on ${name}.`);
      abort.abort();
    });
  }
  return abort.signal;
}
