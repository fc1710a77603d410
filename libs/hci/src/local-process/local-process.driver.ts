import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { PermanentError, TransientError } from '#libs/eventsourcing';
import type { HciDriver, RestoreEnvironment, TargetVmOrder } from '../hci-driver.js';
import { type ProcessIdentity, identityOf, isRunning } from './process-identity.js';
import { VmFolder } from './vm-folder.js';

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
}

const STOP_WAIT_MS = 10_000;
const ENROL_WAIT_MS = 20_000;
const POLL_MS = 20;

/**
 * A "hypervisor" whose machines are restorer processes on sparse image files. The processes are detached and
 * outlive the service, as VMs on a real platform would.
 */
export class LocalProcessDriver implements HciDriver {
  readonly name = 'local-process';

  constructor(private readonly options: LocalProcessOptions) {}

  async ensureInRestoreEnvironment(
    order: TargetVmOrder,
    environment: () => Promise<RestoreEnvironment>,
  ): Promise<{ reference: string }> {
    const folder = new VmFolder(this.options.folder, order.targetVmId);
    await folder.make();
    const state = await folder.read();
    if (state?.boot === 'disk') return { reference: folder.path };
    if (state?.restorer != null && (await isRunning(state.restorer))) return { reference: folder.path };
    if (!(await exists(folder.restorerCredential))) {
      const { serverUrl, token } = await environment();
      await folder.writeRestorerConfig({
        serverUrl: this.options.serverUrl ?? serverUrl,
        insecureNetwork: this.options.insecureNetwork,
        token,
        name: order.targetVmId,
        stateFolder: folder.restorerState,
        listenHost: '127.0.0.1',
        disks: order.disks.map((disk) => ({ ...disk, path: folder.diskPath(disk.diskId) })),
      });
    }
    await this.#startRestorer(folder, order);
    return { reference: folder.path };
  }

  async bootFromDisk(targetVmId: string): Promise<void> {
    const folder = new VmFolder(this.options.folder, targetVmId);
    const state = await folder.read();
    if (state === null) throw new PermanentError(`The target VM ${targetVmId} is gone`);
    if (state.boot === 'disk') return;
    if (state.restorer !== null) await stop(state.restorer);
    await folder.write({ ...state, boot: 'disk', restorer: null });
  }

  async #startRestorer(folder: VmFolder, order: TargetVmOrder): Promise<void> {
    const { node, restorerProgram } = this.options;
    const child = spawn(node, [restorerProgram, 'run', '--config', folder.restorerConfig, '--log-file'], {
      cwd: folder.path,
      detached: true,
      stdio: 'ignore',
      // Nothing of the service's own environment is the guest's business.
      env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    const ended = new Promise<never>((_resolve, reject) => {
      child.once('error', (error) => reject(new TransientError(`The restorer did not start: ${error.message}`)));
      child.once('exit', (code) =>
        reject(new PermanentError(`The restorer ended with ${code}; see ${folder.restorerState}`)),
      );
    });
    ended.catch(() => undefined); // seen by the race below, or too late to matter
    child.unref();
    const restorer = child.pid === undefined ? null : await identityOf(child.pid);
    // Known before it is waited for: a service that dies meanwhile finds it again.
    if (restorer !== null) {
      await folder.write({ targetVmId: order.targetVmId, name: order.name, boot: 'restore-environment', restorer });
    }
    await Promise.race([hasEnrolled(folder), ended]);
  }
}

/** The restore environment has found its server and got its credential. Gives up waiting, not hoping, after 20 s. */
const hasEnrolled = async (folder: VmFolder): Promise<void> => {
  for (const deadline = Date.now() + ENROL_WAIT_MS; Date.now() < deadline;) {
    if (await exists(folder.restorerCredential)) return;
    await pause(POLL_MS);
  }
};

/** Asks the process to end, and makes it when it does not within 10 s. */
const stop = async (restorer: ProcessIdentity): Promise<void> => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!(await isRunning(restorer))) return;
    process.kill(restorer.pid, signal);
    for (const deadline = Date.now() + STOP_WAIT_MS; Date.now() < deadline;) {
      if (!(await isRunning(restorer))) return;
      await pause(POLL_MS);
    }
  }
  throw new TransientError(`Process ${restorer.pid} does not end`);
};

const exists = async (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
