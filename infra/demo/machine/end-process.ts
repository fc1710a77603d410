import { type ProcessIdentity, isRunning } from './process-identity.js';
import { WaitedInVain, waitFor } from './wait-for.js';

const KILL_BOUND_MS = 5_000;

/**
 * Asks a process to end, and kills it when it does not in time. Harmless when it has ended.
 *
 * @throws WaitedInVain when even killing does not end it
 */
export async function endProcess(process_: ProcessIdentity, graceMs: number): Promise<void> {
  const hasEnded = async () => ((await isRunning(process_)) ? undefined : true);
  const what = `process ${process_.pid} to end`;
  if (!(await send(process_, 'SIGTERM'))) return;
  try {
    await waitFor(what, hasEnded, { boundMs: graceMs });
  } catch (error) {
    if (!(error instanceof WaitedInVain)) throw error;
    if (await send(process_, 'SIGKILL')) await waitFor(what, hasEnded, { boundMs: KILL_BOUND_MS });
  }
}

/** @returns false when it no longer runs */
async function send(process_: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isRunning(process_))) return false;
  try {
    process.kill(process_.pid, signal);
    return true;
  } catch {
    return false;
  }
}
