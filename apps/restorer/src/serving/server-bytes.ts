import { readFile } from 'node:fs/promises';

/** What a disk's server has moved since it was started, in bytes. Neither number ever falls. */
export interface ServerBytes {
  /** Taken in: requests with their payload, and what was read from the disk. Zeroing and flushing show only here. */
  readonly takenBytes: number;
  /** Written to the disk. */
  readonly writtenBytes: number;
}

/**
 * Asks the kernel what a server has moved (`/proc/<pid>/io`, proc(5)), at the same small cost however much that is.
 * @returns null when the process is gone, or the kernel does not count
 */
export async function readServerBytes(pid: number): Promise<ServerBytes | null> {
  return serverBytesIn(await readFile(`/proc/${pid}/io`, 'utf8').catch(() => ''));
}

export function serverBytesIn(io: string): ServerBytes | null {
  const counted = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1] ?? Number.NaN);
  const [takenBytes, writtenBytes] = [counted('rchar'), counted('wchar')];
  return Number.isSafeInteger(takenBytes) && Number.isSafeInteger(writtenBytes) ? { takenBytes, writtenBytes } : null;
}
