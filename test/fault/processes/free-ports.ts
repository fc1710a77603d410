import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import { type Server, createServer } from 'node:net';

/** Below the ports that the kernel gives to whoever connects, so that nobody's connection has one of these meanwhile. */
const LOWEST_PORT = 12_000;
const HIGHEST_PORT = 31_999;
const ATTEMPTS = 100;

/**
 * Ports that were free on loopback a moment ago, all different: a program that is started again has to be found where
 * it was before, so it cannot be left to choose for itself.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers: Server[] = [];
  while (servers.length < count) servers.push(await onFreePort());
  const ports = servers.map(portOf);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

async function onFreePort(): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    const server = createServer().listen(randomInt(LOWEST_PORT, HIGHEST_PORT + 1), '127.0.0.1');
    try {
      await once(server, 'listening');
      return server;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}
