import { readFile } from 'node:fs/promises';

/** A process that cannot be mistaken for a later one with the same id. */
export type ProcessIdentity = {
  readonly pid: number;
  /** Clock ticks from boot to the start of the process. */
  readonly startTicks: string;
  /** Changes with every boot. */
  readonly bootId: string;
};

/** The word for the state in which a process has ended and waits for its parent to notice. */
const ZOMBIE = 'Z';

/**
 * @param stat content of `/proc/<pid>/stat`
 * @returns when the process started, or undefined when it has ended
 */
export function startTicksOf(stat: string): string | undefined {
  // The program's name, in parentheses, may itself contain spaces and parentheses: count from its end.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/);
  return fields[0] === ZOMBIE ? undefined : fields[19];
}

/** @returns the process that has this id now, or undefined when none has */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const [stat, bootId] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    const startTicks = startTicksOf(stat);
    return startTicks === undefined ? undefined : { pid, startTicks, bootId: bootId.trim() };
  } catch {
    return undefined;
  }
}

/** Whether both are the same process, not only the same id. */
export function isSameProcess(a: ProcessIdentity | undefined, b: ProcessIdentity | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.pid === b.pid && a.startTicks === b.startTicks && a.bootId === b.bootId;
}
