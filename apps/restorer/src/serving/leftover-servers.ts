import { EndpointFailure } from '#libs/block-transfer';
import { readdir, readFile, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { isLeftover, serverProcessIn, type ServerProcess } from './leftover-servers.decision.js';

const END_WAIT_MS = 10_000;
const POLL_MS = 20;

/**
 * Ends the disk servers that an earlier process of this program left behind, and waits until they are gone: nothing
 * that somebody sent to one of them can be written to these disks afterwards. To be called while this process itself
 * serves none of them.
 *
 * A server is told when its restorer is gone, but it then waits for its clients and ends what they asked for; one that
 * was started at the very moment is not even told.
 * @throws EndpointFailure `EXPORT_FAILED` when one does not end
 */
export async function endLeftoverServers(paths: readonly string[]): Promise<void> {
  for (const deadline = performance.now() + END_WAIT_MS; ;) {
    const leftovers = await leftoverServers(paths);
    const [first] = leftovers;
    if (first === undefined) return;
    if (performance.now() >= deadline) {
      throw new EndpointFailure(
        'EXPORT_FAILED',
        `nbdkit of an earlier restorer, process ${first.pid}, does not end within ${END_WAIT_MS} ms; it may still write`,
      );
    }
    // One that is dying needs no help, and may be anybody's.
    for (const { pid, isDying } of leftovers) if (!isDying) kill(pid);
    await pause(POLL_MS);
  }
}

async function leftoverServers(paths: readonly string[]): Promise<ServerProcess[]> {
  const disks = new Set(await Promise.all(paths.map(fileAt)));
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const server = await serverProcess(pid);
      if (server === null) return [];
      return isLeftover(server, await Promise.all(server.paths.map(fileAt)), disks) ? [server] : [];
    }),
  );
  return found.flat();
}

async function serverProcess(pid: number): Promise<ServerProcess | null> {
  // The command line last: it is what goes first when a process ends.
  const text = async (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
  return serverProcessIn(pid, await text('stat'), await text('cmdline'));
}

/** Names a file whatever path leads to it; a path that leads nowhere names itself. */
async function fileAt(path: string): Promise<string> {
  return stat(path).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => path,
  );
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone by itself, or not ours to end: the next look tells.
  }
}
