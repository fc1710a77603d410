import { NbdConnection, startNbdkit, type NbdkitServer } from '#libs/block-transfer';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readServerBytes, type ServerBytes } from '../src/serving/server-bytes.js';

const MIB = 1024 * 1024;
/** An NBD request without its payload. */
const HEADER_BYTES = 28;

let folder: string;
let server: NbdkitServer;
let connection: NbdConnection;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-bytes-'));
  server = await startNbdkit({ path: join(folder, 'a.img'), sizeBytes: 64 * MIB, host: '127.0.0.1' });
  connection = await NbdConnection.connect(server.export);
});
afterAll(async () => {
  await connection.close();
  await server.close();
  await rm(folder, { recursive: true });
});

it.each<[string, () => Promise<void>, ServerBytes]>([
  ['a write', () => connection.write(0, Buffer.alloc(MIB, 1)), sums(MIB)],
  ['a write to the same place', () => connection.write(0, Buffer.alloc(512, 2)), sums(512)],
  ['zeroing, which writes nothing', () => connection.writeZeroes(MIB, 8 * MIB), sums(0)],
  ['a flush', () => connection.flush(), sums(0)],
])('a real server shows %s', async (_request, make, growth) => {
  const before = (await readServerBytes(server.pid))!;
  await make();
  const after = (await readServerBytes(server.pid))!;
  expect({
    takenBytes: after.takenBytes - before.takenBytes,
    writtenBytes: after.writtenBytes - before.writtenBytes,
  }).toEqual(growth);
});

function sums(payloadBytes: number): ServerBytes {
  return { takenBytes: HEADER_BYTES + payloadBytes, writtenBytes: payloadBytes };
}
