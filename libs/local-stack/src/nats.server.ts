import { readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import * as z from 'zod';
import { installedProgram } from './installed-program.js';
import { type ServerProcess, startServerProcess, untilReady } from './server-process.js';
import type { ServerContext, StartedServer } from './server-context.js';

const READY_MS = 20_000;
const PROBE_MS = 2_000;

const portsSchema = z.object({ nats: z.array(z.string()).min(1) });

/**
 * Starts NATS with JetStream. The server itself picks the free port and tells it in a file, so no other program
 * can take it in between.
 *
 * @throws LocalStackError
 */
export async function startNats(context: ServerContext): Promise<StartedServer> {
  const { folder } = context;
  const program = installedProgram('nats-server', 'nats-server', context.path);
  const args = ['--addr', '127.0.0.1', '--port', '-1', '--ports_file_dir', folder.path];
  const server = await startServerProcess(folder, {
    name: 'nats',
    program,
    args: [...args, '--jetstream', '--store_dir', join(folder.path, 'nats')],
    env: { PATH: context.path },
    endSignal: 'SIGTERM',
    setpriv: context.setpriv,
  });
  const portsFile = join(folder.path, `nats-server_${server.pid}.ports`);
  let url = '';
  const isReady = async () => {
    url = await urlIn(portsFile);
    return url !== '' && (await greets(url));
  };
  await untilReady(server, 'nats-server', isReady, READY_MS);
  server.onLost(() => context.onLost('nats'));
  return { url, stop: () => stopNats(server, portsFile) };
}

async function stopNats(server: ServerProcess, portsFile: string): Promise<void> {
  await server.stop();
  await rm(portsFile, { force: true });
}

async function urlIn(portsFile: string): Promise<string> {
  try {
    const ports = portsSchema.parse(JSON.parse(await readFile(portsFile, 'utf8')));
    return ports.nats[0] ?? '';
  } catch {
    // Not there yet, or only half written.
    return '';
  }
}

/** A NATS server speaks first: `INFO {...}`, which tells whether JetStream is on. */
function greets(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: PROBE_MS });
    let greeting = '';
    const finish = (isReady: boolean) => {
      socket.destroy();
      resolve(isReady);
    };
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      greeting += text;
      if (greeting.includes('\r\n')) finish(greeting.startsWith('INFO ') && greeting.includes('"jetstream":true'));
    });
    socket.on('error', () => finish(false));
    socket.on('timeout', () => finish(false));
    socket.on('close', () => finish(false));
  });
}
