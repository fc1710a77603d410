import { readFile } from 'node:fs/promises';

/** A process and when it started, in clock ticks since boot: together they are never reused. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAtTicks: string;
}

/** @returns null when there is no such process, or only its remains */
export const identityOf = async (pid: number): Promise<ProcessIdentity | null> => {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold blanks; state and the 20th field after it do not (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const startedAtTicks = fields[19];
    return startedAtTicks === undefined || fields[0] === 'Z' ? null : { pid, startedAtTicks };
  } catch {
    return null;
  }
};

export const isRunning = async (identity: ProcessIdentity): Promise<boolean> =>
  (await identityOf(identity.pid))?.startedAtTicks === identity.startedAtTicks;
