import { makeDataIdentity, NbdConnection, startNbdkit, type NbdkitServer } from '#libs/block-transfer';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readServerBytes, type ServerBytes } from '../src/serving/server-bytes.js';

const MIB = 1024 * 1024;
/** An NBD request without its payload. */
const HEADER_BYTES = 28;

interface Served {
  readonly server: NbdkitServer;
  readonly connection: NbdConnection;
}

let folder: string;
let inTheClear: Served;
let inTls: Served;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-bytes-'));
  const disk = { sizeBytes: 64 * MIB, host: '127.0.0.1' };
  const plain = await startNbdkit({ ...disk, path: join(folder, 'a.img') });
  inTheClear = { server: plain, connection: await NbdConnection.connect(plain.export) };
  const [identity, agent] = [await makeDataIdentity('restorer'), await makeDataIdentity('agent')];
  const tls = { identity, clientCertificate: agent.certificate };
  const secure = await startNbdkit({ ...disk, path: join(folder, 'b.img'), tls });
  inTls = { server: secure, connection: await NbdConnection.connect(secure.export, { identity: agent }) };
});
afterAll(async () => {
  for (const { server, connection } of [inTheClear, inTls]) {
    await connection.close();
    await server.close();
  }
  await rm(folder, { recursive: true });
});

const REQUESTS: [string, (connection: NbdConnection) => Promise<void>, number][] = [
  ['a write', (connection) => connection.write(0, Buffer.alloc(MIB, 1)), MIB],
  ['a write to the same place', (connection) => connection.write(0, Buffer.alloc(512, 2)), 512],
  ['zeroing, which writes nothing', (connection) => connection.writeZeroes(MIB, 8 * MIB), 0],
  ['a flush', (connection) => connection.flush(), 0],
];

it.each(REQUESTS)('a real server shows %s', async (_request, make, payloadBytes) => {
  const shown = { takenBytes: HEADER_BYTES + payloadBytes, writtenBytes: payloadBytes };
  expect(await growth(inTheClear, make)).toEqual(shown);
});

it.each(REQUESTS)('one in TLS shows of %s what it wrote alone', async (_request, make, payloadBytes) => {
  expect(await growth(inTls, make)).toEqual({ takenBytes: 0, writtenBytes: payloadBytes });
});

async function growth(
  { server, connection }: Served,
  make: (connection: NbdConnection) => Promise<void>,
): Promise<ServerBytes> {
  const before = (await readServerBytes(server.pid))!;
  await make(connection);
  const after = (await readServerBytes(server.pid))!;
  return {
    takenBytes: after.takenBytes - before.takenBytes,
    writtenBytes: after.writtenBytes - before.writtenBytes,
  };
}
