import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { endProcess } from '../../../infra/demo/machine/end-process.js';
import { type ProcessIdentity, processIdentity } from '../../../infra/demo/machine/process-identity.js';
import { waitFor } from '../../../infra/demo/machine/wait-for.js';
import { SERVER_FOLDER, TARGET_VMS_FOLDER } from '../../../infra/demo/run-folder/clean-up-run.js';

const RESTORER = join(import.meta.dirname, '../../../dist/bundles/landfall-restorer.mjs');
const vmFile = z.object({ restorer: processIdentity });

/** The restorer of one target VM: killed as by a power loss, and started again as by the person who boots the VM. */
export class RestoreEnvironment {
  #restarted: ChildProcess | null = null;

  private constructor(
    private readonly vmFolder: string,
    private readonly identity: ProcessIdentity,
  ) {}

  static async of(folder: string, targetVmId: string): Promise<RestoreEnvironment> {
    const vmFolder = join(folder, SERVER_FOLDER, TARGET_VMS_FOLDER, targetVmId);
    const { restorer } = vmFile.parse(JSON.parse(await readFile(join(vmFolder, 'vm.json'), 'utf8')));
    return new RestoreEnvironment(vmFolder, restorer);
  }

  /** SIGSTOP: it is there, and does nothing; its disk servers go on. */
  hold(): void {
    process.kill(this.identity.pid, 'SIGSTOP');
  }

  release(): void {
    process.kill(this.identity.pid, 'SIGCONT');
  }

  async kill(): Promise<void> {
    process.kill(this.identity.pid, 'SIGKILL');
    await endProcess(this.identity, 5_000);
  }

  /** Returns once its process runs. */
  async startAgain(): Promise<void> {
    const args = [RESTORER, 'run', '--config', join(this.vmFolder, 'restorer.json'), '--log-file'];
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', process.execPath, ...args], {
      cwd: this.vmFolder,
      stdio: 'ignore',
      env: { PATH: process.env['PATH'] },
    });
    this.#restarted = child;
    await waitFor('the restorer to run', async () => child.pid, { boundMs: 5_000 });
  }

  /** Ends the one that was started again. */
  stop(): void {
    this.#restarted?.kill('SIGTERM');
  }
}
