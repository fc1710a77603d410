/**
 * A wide area network on one machine: passes TCP connections on with a delay each way and, towards the target, no faster
 * than a rate that all connections share. netem would do this too, but few kernels of virtual machines have it.
 *
 *   node wan.program.js <listen port> <target port> <delay each way in ms> <bytes per second>
 */
import { connect, createServer, type Socket } from 'node:net';
import { LOOPBACK } from './route.js';

const TICK_MS = 1;
const [listenPort = 0, targetPort = 0, delayMs = 0, bytesPerSecond = 0] = process.argv.slice(2).map(Number);
/** More is not taken in: a sender shall feel the link, not a buffer as large as its disk. */
const QUEUE_BYTES = 256 * 1024 + (2 * delayMs * bytesPerSecond) / 1000;

/** The moment at which the line has sent everything that it was given so far. */
let lineFreeMs = 0;

function departureMs(bytes: number): number {
  lineFreeMs = Math.max(performance.now(), lineFreeMs) + (bytes / bytesPerSecond) * 1000;
  return lineFreeMs;
}

/** One direction of one connection. */
function carry(from: Socket, to: Socket, leaves: (bytes: number) => number): void {
  const queue: { bytes: Buffer | null; dueMs: number }[] = [];
  let queuedBytes = 0;
  from.on('data', (bytes: Buffer) => {
    queue.push({ bytes, dueMs: leaves(bytes.length) + delayMs });
    queuedBytes += bytes.length;
    if (queuedBytes > QUEUE_BYTES) from.pause();
  });
  from.on('end', () => queue.push({ bytes: null, dueMs: performance.now() + delayMs }));
  const timer = setInterval(() => {
    for (let next = queue[0]; next !== undefined && next.dueMs <= performance.now(); next = queue[0]) {
      queue.shift();
      if (next.bytes === null) to.end();
      else {
        queuedBytes -= next.bytes.length;
        to.write(next.bytes);
      }
    }
    if (queuedBytes <= QUEUE_BYTES) from.resume();
  }, TICK_MS);
  const end = (): void => {
    clearInterval(timer);
    to.destroy();
  };
  from.on('error', end);
  to.on('close', () => clearInterval(timer));
}

createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const server = connect({ host: LOOPBACK, port: targetPort, allowHalfOpen: true, noDelay: true });
  carry(client, server, departureMs);
  carry(server, client, () => performance.now());
}).listen(listenPort, LOOPBACK);
