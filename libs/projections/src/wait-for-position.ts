import type { DataSource } from 'typeorm';
import { pause, readCheckpoint } from './reader-lease.js';

const POLL_MS = 10;
const WAIT_MS = 3_000;

/**
 * Waits until a projection has applied everything up to a position, so that whoever asked for a change finds it.
 * Gives up after 3 s without an error, also when Postgres is away: the change is recorded, only the view is late.
 */
export const waitForPosition = async (
  dataSource: DataSource,
  reader: string,
  position: bigint | null,
): Promise<void> => {
  if (position === null) return;
  const never = new AbortController().signal;
  for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline;) {
    const reached = await readCheckpoint(dataSource.manager, reader).catch(() => null);
    if (reached !== null && reached >= position) return;
    await pause(POLL_MS, never);
  }
};
