import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NbdConnection } from '../src/nbd/nbd-connection.js';
import type { EndpointFailure } from '../src/endpoint-failure.js';
import { Command } from '../src/nbd/nbd.codec.js';
import { PatientServer } from './patient-server.js';

const MIB = 1024 * 1024;

describe('what a connection puts on the wire', () => {
  let server: PatientServer;
  let connection: NbdConnection;

  beforeEach(async () => {
    server = await PatientServer.start();
    connection = await NbdConnection.connect(server.export, { maxInFlight: 8 });
  });
  afterEach(async () => {
    await connection.close();
    await server.close();
  });

  it('is the same with room for the header and without, and only the room is overwritten', async () => {
    const memory = Buffer.alloc(200, 'around');
    const before = Buffer.from(memory);
    await connection.write(4096, memory.subarray(100, 140), true);
    await connection.write(8192, memory.subarray(150, 190));
    // Too near to the beginning of its memory: no room, whatever is said.
    const tight = new Uint8Array(new ArrayBuffer(30), 20).fill(7);
    await connection.write(0, tight, true);
    expect(server.received).toMatchObject([
      { command: Command.WRITE, offsetBytes: 4096, payload: before.subarray(100, 140) },
      { command: Command.WRITE, offsetBytes: 8192, payload: before.subarray(150, 190) },
      { command: Command.WRITE, offsetBytes: 0, payload: Buffer.alloc(10, 7) },
    ]);
    expect(memory.subarray(0, 72)).toEqual(before.subarray(0, 72));
    expect(memory.subarray(100)).toEqual(before.subarray(100));
  });

  it('has a FLUSH before the writes that have not left yet, and loses none of them', async () => {
    server.pause();
    // More than the kernel holds for one connection, so that they have to wait here.
    const payloads = Array.from({ length: 5 }, (_, number) => Buffer.alloc(16 * MIB, number + 1));
    const writes = payloads.map((payload, number) => connection.write(number * 16 * MIB, payload));
    const flush = connection.flush();
    server.resume();
    await Promise.all([...writes, flush]);
    const [w, f] = [Command.WRITE, Command.FLUSH];
    expect(server.received.map(({ command }) => command)).toEqual([w, w, f, w, w, w]);
    const found = server.received.filter(({ command }) => command === w);
    expect(found.every(({ payload }, number) => payload.equals(payloads[number] ?? Buffer.alloc(0)))).toBe(true);
  });

  it('is still what it was when a closed connection says that it is refused', async () => {
    server.pause();
    const payloads = Array.from({ length: 3 }, () => Buffer.alloc(16 * MIB, 1));
    const refused = payloads.map((payload) => connection.write(0, payload).catch(() => payload.fill(2)));
    const closed = connection.close();
    await new Promise((resolve) => setImmediate(resolve));
    server.resume();
    await Promise.all([closed, ...refused]);
    const written = server.received.filter(({ command }) => command === Command.WRITE);
    expect(written.length).toBeGreaterThan(0);
    for (const { payload } of written) expect(payload.equals(Buffer.alloc(16 * MIB, 1))).toBe(true);
  });

  it('is missed for as long as nothing came or left, which the limit does not tell while something waits to leave', async () => {
    const replyTimeoutMs = 300;
    const impatient = await NbdConnection.connect(server.export, { replyTimeoutMs });
    server.pause();
    const writes = Array.from({ length: 3 }, () => impatient.write(0, Buffer.alloc(16 * MIB)));
    const [lost] = await Promise.allSettled(writes);
    const failure = lost?.status === 'rejected' ? (lost.reason as EndpointFailure) : null;
    expect(failure).toMatchObject({ code: 'DATA_PATH_LOST' });
    expect(failure?.silentMs).toBeGreaterThan(1.5 * replyTimeoutMs);
    await impatient.close();
  });

  it('ends with what had left when it is closed, and refuses the rest', async () => {
    server.pause();
    const writes = Array.from({ length: 4 }, (_, number) => connection.write(0, Buffer.alloc(16 * MIB, number)));
    const outcomes = Promise.allSettled(writes);
    const closed = connection.close();
    server.resume();
    await closed;
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
    // At most one write was with the kernel in part and one behind it.
    expect(server.received.filter(({ command }) => command === Command.WRITE).length).toBeLessThanOrEqual(2);
    expect(server.received.at(-1)?.command).toBe(Command.DISCONNECT);
  });
});
