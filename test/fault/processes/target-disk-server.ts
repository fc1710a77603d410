import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { processIdentity } from '../../../infra/demo/machine/process-identity.js';
import { WaitedInVain, waitFor } from '../../../infra/demo/machine/wait-for.js';
import { SERVER_FOLDER, TARGET_VMS_FOLDER } from '../../../infra/demo/run-folder/clean-up-run.js';

const vmFile = z.object({ restorer: processIdentity });

const APPEARS_WITHIN_MS = 30_000;
const MIDDLE_WITHIN_MS = 90_000;
/** How long the server may work between two looks: far less than the round takes as a whole. */
const WORK_MS = 20;
/** How long to look while it is held: what it has answered takes its time to be told and recorded. */
const LOOK_MS = 300;
const LOOK_EVERY_MS = 20;

/**
 * The process that serves a target's disk in a round. While it is held (SIGSTOP), nothing is written and nothing is
 * acknowledged, and so the round cannot end; it is held for seconds, far below the agent's limit for an answer.
 */
export class TargetDiskServer {
  private constructor(private readonly pid: number) {}

  /** Finds the server of the target's only disk as soon as it runs, and holds it at once. */
  static async holdAtBegin(folder: string, targetVmId: string): Promise<TargetDiskServer> {
    const vm = join(folder, SERVER_FOLDER, TARGET_VMS_FOLDER, targetVmId, 'vm.json');
    const pid = await waitFor(`the disk server of target ${targetVmId}`, () => diskServerOf(vm), {
      boundMs: APPEARS_WITHIN_MS,
      pollMs: 5,
    });
    const server = new TargetDiskServer(pid);
    server.hold();
    return server;
  }

  hold(): void {
    this.#signal('SIGSTOP');
  }

  release(): void {
    this.#signal('SIGCONT');
  }

  /**
   * Lets the server work in short pieces until a fact tells that the round has come far enough, and leaves it held.
   * @throws Error when the round ends before that; WaitedInVain, with the server released
   */
  async workUntil(what: string, isFact: () => Promise<boolean>): Promise<void> {
    for (const deadline = performance.now() + MIDDLE_WITHIN_MS; performance.now() < deadline;) {
      this.release();
      await delay(WORK_MS);
      this.hold();
      for (const held = performance.now() + LOOK_MS; performance.now() < held;) {
        if (await isFact()) return;
        await delay(LOOK_EVERY_MS);
      }
    }
    this.release();
    throw new WaitedInVain(`waited in vain for ${what} (${MIDDLE_WITHIN_MS / 1000} s)`);
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(this.pid, signal);
    } catch (error) {
      throw new Error('the target disk is not served any more: the round has ended', { cause: error });
    }
  }
}

/** @returns the nbdkit below the restorer that the target's file names */
async function diskServerOf(vmJson: string): Promise<number | undefined> {
  const { data: vm } = vmFile.safeParse(await jsonIn(vmJson));
  if (vm === undefined) return undefined;
  const { pid } = vm.restorer;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  for (const child of children.split(' ').filter((text) => text !== '')) {
    const name = await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '');
    if (name.trim() === 'nbdkit') return Number(child);
  }
  return undefined;
}

async function jsonIn(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}
