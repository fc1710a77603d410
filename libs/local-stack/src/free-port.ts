import { once } from 'node:events';
import { createServer } from 'node:net';

/** @returns a TCP port that was free on loopback a moment ago; someone else may take it, so be ready to ask again */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}
