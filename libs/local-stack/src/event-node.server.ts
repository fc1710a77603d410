import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { connect } from 'node:http2';
import { dirname, join } from 'node:path';
import { LocalStackError } from './local-stack.errors.js';
import { startServerProcess, untilReady } from './server-process.js';
import type { ServerContext, StartedServer } from './server-context.js';

/** The embedded event node's program, relative to the project. */
export const EVENT_NODE_ENTRY = 'dist/libs/eventstore-node/src/main.js';

const READY_MS = 20_000;
const PROBE_MS = 2_000;

/** The nearest folder above this file that has a package.json, whether this runs compiled or from source. */
function projectFolder(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new LocalStackError('STACK.NOT_BUILT', 'no package.json above the local stack');
    folder = parent;
  }
  return folder;
}

/** Whether the embedded event node has been compiled. */
export function isEventNodeBuilt(): boolean {
  return existsSync(join(projectFolder(), EVENT_NODE_ENTRY));
}

/**
 * Starts the embedded event node, which picks a free port and tells it in a file.
 *
 * @throws LocalStackError
 */
export async function startEventNode(context: ServerContext): Promise<StartedServer> {
  if (!isEventNodeBuilt()) {
    throw new LocalStackError('STACK.NOT_BUILT', `${EVENT_NODE_ENTRY} is missing; run npm run build`);
  }
  const { folder } = context;
  const portFile = join(folder.path, 'eventstore.port');
  await rm(portFile, { force: true });
  const entry = join(projectFolder(), EVENT_NODE_ENTRY);
  const server = await startServerProcess(folder, {
    name: 'eventstore',
    program: process.execPath,
    args: [entry, '--data', join(folder.path, 'eventstore'), '--port', '0', '--port-file', portFile],
    env: { PATH: context.path },
    endSignal: 'SIGTERM',
    setpriv: context.setpriv,
  });
  let port = '';
  const isReady = async () => {
    port = (await readFile(portFile, 'utf8').catch(() => '')).trim();
    return /^\d+$/.test(port) && (await answersHttp2(port));
  };
  await untilReady(server, 'the event node', isReady, READY_MS);
  server.onLost(() => context.onLost('eventstore'));
  return { url: `esdb://127.0.0.1:${port}?tls=false`, stop: () => server.stop() };
}

/** gRPC is HTTP/2: a server that sends its settings is one that answers. */
function answersHttp2(port: string): Promise<boolean> {
  return new Promise((resolve) => {
    const session = connect(`http://127.0.0.1:${port}`);
    const finish = (isReady: boolean) => {
      session.destroy();
      resolve(isReady);
    };
    session.on('remoteSettings', () => finish(true));
    session.on('error', () => finish(false));
    session.on('close', () => finish(false));
    session.setTimeout(PROBE_MS, () => finish(false));
  });
}
