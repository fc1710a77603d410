import { readFile } from 'node:fs/promises';
import * as z from 'zod';

/** A process and when it started, in clock ticks since boot: both together are never reused while the machine runs. */
export const processIdentity = z.object({ pid: z.number().int().positive(), startedAtTicks: z.string() });
export type ProcessIdentity = z.infer<typeof processIdentity>;

/** @returns undefined when no such process runs; one that has ended and was not yet noticed does not run */
export async function identityOf(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    return identityIn(pid, await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param stat content of `/proc/<pid>/stat`; the program's name in it, in parentheses, may hold anything */
export function identityIn(pid: number, stat: string): ProcessIdentity | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startedAtTicks = fields[19];
  return fields[0] === 'Z' || startedAtTicks === undefined ? undefined : { pid, startedAtTicks };
}

export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  return (await identityOf(identity.pid))?.startedAtTicks === identity.startedAtTicks;
}
