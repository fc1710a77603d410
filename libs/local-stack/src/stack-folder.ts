import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decideLeftover } from './leftover.js';
import { LocalStackError } from './local-stack.errors.js';
import { decodePidFile, encodePidFile } from './pid-file.codec.js';
import { type ProcessIdentity, identifyProcess } from './process-identity.js';
import { waitFor } from './wait-for.js';

const OWNER_FILE = 'owner.pid';
const SERVER_PID_SUFFIX = '.server.pid';

const STACK_FOLDER_MODE = 0o711;

/** A server of a crashed run gets this long to end by itself before it is killed. */
const LEFTOVER_END_MS = 10_000;
const LEFTOVER_KILL_MS = 5_000;

/** The folder of one stack's data, logs and pid files, owned by one running program. */
export type StackFolder = {
  readonly path: string;
  /** Records a server, so that the next run can clean up after a crash of this one. */
  recordServer(name: string, identity: ProcessIdentity): Promise<void>;
  forgetServer(name: string): Promise<void>;
  release(): Promise<void>;
};

/**
 * Takes the folder for this process and ends what a crashed run left running in it.
 *
 * @throws LocalStackError `STACK.FOLDER_IN_USE` when a living program owns it, `STACK.LEFTOVER_LIVES` when a
 *   leftover cannot be ended
 */
export async function takeStackFolder(path: string): Promise<StackFolder> {
  // PostgreSQL's account has to pass through; what is in the folder is nobody's business.
  await mkdir(path, { recursive: true, mode: STACK_FOLDER_MODE });
  await takeOwnership(path);
  try {
    await endLeftovers(path);
  } catch (error) {
    await rm(join(path, OWNER_FILE), { force: true });
    throw error;
  }
  const fileOf = (name: string) => join(path, `${name}${SERVER_PID_SUFFIX}`);
  return {
    path,
    recordServer: (name, identity) => writeFile(fileOf(name), encodePidFile(identity)),
    forgetServer: (name) => rm(fileOf(name), { force: true }),
    release: () => rm(join(path, OWNER_FILE), { force: true }),
  };
}

async function takeOwnership(path: string): Promise<void> {
  const file = join(path, OWNER_FILE);
  const self = await identifyProcess(process.pid);
  if (self === undefined) throw new LocalStackError('STACK.START_FAILED', '/proc does not tell about processes here');
  // Twice: the second time after the file of a program that is gone was removed.
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    if (await writeNew(file, encodePidFile(self))) return;
    const decision = await examine(file);
    if (decision.type === 'still-runs') {
      throw new LocalStackError('STACK.FOLDER_IN_USE', `${path} is in use by process ${decision.pid}`);
    }
    await rm(file, { force: true });
  }
  throw new LocalStackError('STACK.FOLDER_IN_USE', `${path} was taken by another program at the same moment`);
}

async function writeNew(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function examine(file: string) {
  const recorded = decodePidFile(await readFile(file, 'utf8').catch(() => ''));
  return decideLeftover(recorded, recorded === undefined ? undefined : await identifyProcess(recorded.pid));
}

async function endLeftovers(path: string): Promise<void> {
  const files = (await readdir(path)).filter((name) => name.endsWith(SERVER_PID_SUFFIX));
  await Promise.all(
    files.map(async (name) => {
      const file = join(path, name);
      const isGone = async () => (await examine(file)).type === 'gone';
      for (const [signal, boundMs] of [
        // PostgreSQL takes SIGINT for "end now and cleanly"; the other two do the same on it.
        ['SIGINT', LEFTOVER_END_MS],
        ['SIGKILL', LEFTOVER_KILL_MS],
      ] as const) {
        const decision = await examine(file);
        if (decision.type === 'gone') break;
        signalIfAlive(decision.pid, signal);
        await waitFor(isGone, boundMs);
      }
      if (!(await isGone())) {
        throw new LocalStackError('STACK.LEFTOVER_LIVES', `a server of an earlier run does not end; see ${file}`);
      }
      await rm(file, { force: true });
    }),
  );
}

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended between the look and the signal.
  }
}
