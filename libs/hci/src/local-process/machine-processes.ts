import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { TransientError } from '#libs/eventsourcing';
import { identityOf, isRunning, type ProcessIdentity } from './process-identity.js';

/** In the environment of the restorer and, inherited, of all that it starts: to which machine a process belongs. */
export const MACHINE_VARIABLE = 'LANDFALL_TARGET_VM';

const POLITE_END_MS = 10_000;
const FORCED_END_MS = 10_000;
const POLL_MS = 20;

export interface MachineProcess {
  readonly identity: ProcessIdentity;
  readonly commandLine: readonly string[];
}

/**
 * The processes of a machine, found by what they carry and not by what was written down about them: also those that
 * nobody noted before a crash, and those whose parent is gone.
 */
export const processesOf = async (targetVmId: string): Promise<readonly MachineProcess[]> => {
  const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(numbers.map((pid) => processOf(targetVmId, pid)));
  return found.filter((process) => process !== null);
};

const processOf = async (targetVmId: string, pid: number): Promise<MachineProcess | null> => {
  // The identity comes first: a number that is taken by another process meanwhile then fits no longer.
  const identity = await identityOf(pid);
  if (identity === null) return null;
  const environment = await stringsIn(`/proc/${pid}/environ`);
  if (!environment.includes(`${MACHINE_VARIABLE}=${targetVmId}`)) return null;
  return { identity, commandLine: await stringsIn(`/proc/${pid}/cmdline`) };
};

/** @returns none for a process that is gone or another user's */
const stringsIn = async (file: string): Promise<readonly string[]> =>
  (await readFile(file, 'utf8').catch(() => '')).split('\0');

/**
 * Asks the restorer to end, which ends what it started; then makes everything end that is left of the machine.
 * @throws TransientError when something does not
 */
export const endMachine = async (targetVmId: string, restorer: ProcessIdentity | null): Promise<void> => {
  if (restorer !== null) {
    if (await isRunning(restorer)) send('SIGTERM', restorer);
    await untilGone(async () => ((await isRunning(restorer)) ? [restorer] : []), POLITE_END_MS);
  }
  // One that is half gone shows its environment no longer, so it is remembered.
  const seen = new Map<number, ProcessIdentity>();
  const left = await untilGone(async () => {
    for (const { identity } of await processesOf(targetVmId)) seen.set(identity.pid, identity);
    for (const member of seen.values()) {
      if (await isRunning(member)) send('SIGKILL', member);
      else seen.delete(member.pid);
    }
    return [...seen.values()];
  }, FORCED_END_MS);
  if (left.length > 0) throw new TransientError(`Process ${left[0]?.pid} of target VM ${targetVmId} does not end`);
};

/** @returns what is still there when the time is over */
const untilGone = async (
  look: () => Promise<readonly ProcessIdentity[]>,
  withinMs: number,
): Promise<readonly ProcessIdentity[]> => {
  for (const deadline = performance.now() + withinMs; ;) {
    const there = await look();
    if (there.length === 0 || performance.now() >= deadline) return there;
    await pause(POLL_MS);
  }
};

const send = (signal: NodeJS.Signals, to: ProcessIdentity): void => {
  try {
    process.kill(to.pid, signal);
  } catch (error) {
    // It ended between the look and the signal.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
};
