import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { PermanentError, TransientError } from '#libs/eventsourcing';
import type { HciDriver, RestoreEnvironment, TargetVmOrder } from '../hci-driver.js';
import { classifyingFaults } from './file-faults.js';
import { endMachine, MACHINE_VARIABLE, processesOf } from './machine-processes.js';
import { identityOf, type ProcessIdentity } from './process-identity.js';
import { VmFolder, type VmState } from './vm-folder.js';

export interface LocalProcessOptions {
  /** Every target VM gets a folder of its own below this one. */
  readonly folder: string;
  /** The bundled restorer program. */
  readonly restorerProgram: string;
  /** Node binary that runs it. */
  readonly node: string;
  /** Where restorers dial the server; null: where the enrolment token says. */
  readonly serverUrl: string | null;
  /** Lets restorers speak cleartext to another host. */
  readonly insecureNetwork: boolean;
  /** Address at which restorers serve their disks. */
  readonly listenHost: string;
}

const ENROL_WAIT_MS = 20_000;
const POLL_MS = 20;

/**
 * A "hypervisor" whose machines are restorer processes on sparse image files. The processes are detached and
 * outlive the service, as VMs on a real platform would. Nobody but the next call starts one again that has ended.
 */
export class LocalProcessDriver implements HciDriver {
  readonly name = 'local-process';

  constructor(private readonly options: LocalProcessOptions) {}

  async ensureInRestoreEnvironment(
    order: TargetVmOrder,
    environment: () => Promise<RestoreEnvironment>,
  ): Promise<{ reference: string }> {
    return classifyingFaults(async () => {
      const folder = this.#folderOf(order.targetVmId);
      const state = await folder.make(order.name);
      if (state.boot === 'restore-environment') await this.#ensureRestorer(folder, state, order, environment);
      return { reference: folder.path };
    });
  }

  async bootFromDisk(targetVmId: string): Promise<void> {
    await classifyingFaults(async () => {
      const folder = this.#folderOf(targetVmId);
      const state = await folder.read();
      if (state === null) throw new PermanentError(`The target VM ${targetVmId} is gone`);
      if (state.boot === 'disk') return;
      await endMachine(targetVmId, await runningRestorer(folder, targetVmId));
      await folder.write({ ...state, boot: 'disk', restorer: null });
    });
  }

  async remove(targetVmId: string): Promise<void> {
    await classifyingFaults(async () => {
      const folder = this.#folderOf(targetVmId);
      const state = await folder.read();
      if (state === null) {
        await folder.removeEmpty();
        return;
      }
      await endMachine(targetVmId, await runningRestorer(folder, targetVmId));
      await folder.remove();
    });
  }

  #folderOf(targetVmId: string): VmFolder {
    return new VmFolder(this.options.folder, targetVmId);
  }

  async #ensureRestorer(
    folder: VmFolder,
    state: VmState,
    order: TargetVmOrder,
    environment: () => Promise<RestoreEnvironment>,
  ): Promise<void> {
    const restorer = await runningRestorer(folder, order.targetVmId);
    if (restorer !== null) {
      // Started by a call that died before it could write this down.
      if (!isSame(restorer, state.restorer)) await folder.write({ ...state, restorer });
      return;
    }
    if (!(await folder.hasCredential())) await this.#configureRestorer(folder, order, await environment());
    await this.#startRestorer(folder, state);
  }

  async #configureRestorer(
    folder: VmFolder,
    order: TargetVmOrder,
    { serverUrl, token }: RestoreEnvironment,
  ): Promise<void> {
    await folder.writeRestorerConfig({
      serverUrl: this.options.serverUrl ?? serverUrl,
      insecureNetwork: this.options.insecureNetwork,
      token,
      name: order.targetVmId,
      stateFolder: folder.restorerState,
      listenHost: this.options.listenHost,
      disks: order.disks.map((disk) => ({ ...disk, path: folder.diskPath(disk.diskId) })),
    });
  }

  async #startRestorer(folder: VmFolder, state: VmState): Promise<void> {
    const { node, restorerProgram } = this.options;
    const child = spawn(node, [restorerProgram, 'run', '--config', folder.restorerConfig, '--log-file'], {
      cwd: folder.path,
      detached: true,
      stdio: 'ignore',
      // Nothing else of the service's own environment is the guest's business.
      env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', [MACHINE_VARIABLE]: state.targetVmId },
    });
    const ended = endOf(child, folder);
    ended.catch(() => undefined); // seen by the races below, or too late to matter
    child.unref();
    await Promise.race([new Promise((resolve) => child.once('spawn', resolve)), ended]);
    const restorer = child.pid === undefined ? null : await identityOf(child.pid);
    // Known before it is waited for: whoever looks after the machine finds its process in the file.
    if (restorer !== null) await folder.write({ ...state, restorer });
    const over = new AbortController();
    try {
      await Promise.race([hasEnrolled(folder, over.signal), ended]);
    } finally {
      over.abort();
    }
  }
}

/** Also one that was started and not written down before the service died. */
const runningRestorer = async (folder: VmFolder, targetVmId: string): Promise<ProcessIdentity | null> => {
  const processes = await processesOf(targetVmId);
  return processes.find(({ commandLine }) => commandLine.includes(folder.restorerConfig))?.identity ?? null;
};

const isSame = (one: ProcessIdentity, other: ProcessIdentity | null): boolean =>
  one.pid === other?.pid && one.startedAtTicks === other.startedAtTicks;

/** Rejects when the restorer ends. What it ends with by itself needs a person, unless it had got as far as enrolling. */
const endOf = async (child: ChildProcess, folder: VmFolder): Promise<never> => {
  const how = await new Promise<string | number>((resolve, reject) => {
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 'an unknown code'));
    child.once('error', (error) => reject(new TransientError(`The restorer did not start: ${error.message}`)));
  });
  const message = `The restorer ended with ${how}; see ${folder.restorerState}`;
  const mayPass = typeof how === 'string' || (await folder.hasCredential());
  throw mayPass ? new TransientError(message) : new PermanentError(message);
};

/** The restore environment has found its server and got its credential. Gives up waiting, not hoping, after 20 s. */
const hasEnrolled = async (folder: VmFolder, over: AbortSignal): Promise<void> => {
  for (const deadline = performance.now() + ENROL_WAIT_MS; performance.now() < deadline && !over.aborted;) {
    if (await folder.hasCredential()) return;
    await pause(POLL_MS);
  }
};
