import { readFile } from 'node:fs/promises';

/** A process and when it started, in clock ticks since boot: together they are never reused. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAtTicks: string;
}

/** @returns null when there is no such process, or only its remains */
export const identityOf = async (pid: number): Promise<ProcessIdentity | null> => {
  try {
    return identityIn(pid, await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return null;
  }
};

/** @param stat content of `/proc/<pid>/stat` (proc(5)) */
export const identityIn = (pid: number, stat: string): ProcessIdentity | null => {
  // The name in parentheses may hold blanks; what comes after it does not: state, then 17 fields on the threads.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, threads, startedAtTicks] = [fields[0], Number(fields[17]), fields[19]];
  if (startedAtTicks === undefined) return null;
  // A process whose first thread has ended looks like remains while its other threads still write.
  return state === 'Z' && threads <= 1 ? null : { pid, startedAtTicks };
};

export const isRunning = async (identity: ProcessIdentity): Promise<boolean> =>
  (await identityOf(identity.pid))?.startedAtTicks === identity.startedAtTicks;
