import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NbdExport } from '#libs/contracts';
import { NbdConnection } from '../src/nbd/nbd-connection.js';
import { Command } from '../src/nbd/nbd.codec.js';

const MIB = 1024 * 1024;
const HEADER_BYTES = 28;
const DISK_BYTES = 1024 * MIB;
const FLAGS_FLUSH_AND_MULTI_CONN = 0x1 | 0x4 | 0x100;

interface Received {
  readonly command: number;
  readonly offsetBytes: number;
  readonly payload: Buffer;
}

/** Reads requests when it is told to, and answers each at once. */
class PatientServer {
  readonly received: Received[] = [];
  private readonly server: Server;
  private socket: Socket | null = null;
  private pending = Buffer.alloc(0);
  private chunks: Buffer[] = [];
  /** Less is not worth putting together. */
  private wantedBytes = 0;
  private isNegotiated = false;

  private constructor() {
    this.server = createServer((socket) => {
      this.socket = socket;
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => this.take(socket, chunk));
      socket.write(Buffer.concat([Buffer.from('NBDMAGICIHAVEOPT', 'latin1'), Buffer.from([0, 3])]));
    });
  }

  static async start(): Promise<PatientServer> {
    const patient = new PatientServer();
    await new Promise<void>((resolve) => patient.server.listen(0, '127.0.0.1', () => resolve()));
    return patient;
  }

  get export(): NbdExport {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return { host: '127.0.0.1', port: address.port, exportName: '' };
  }

  pause(): void {
    this.socket?.pause();
  }

  resume(): void {
    this.socket?.resume();
  }

  async close(): Promise<void> {
    this.socket?.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private take(socket: Socket, chunk: Buffer): void {
    this.chunks.push(chunk);
    this.wantedBytes -= chunk.length;
    if (this.wantedBytes > 0) return;
    this.pending = Buffer.concat([this.pending, ...this.chunks]);
    this.chunks = [];
    if (!this.isNegotiated) {
      // The client's flags, and the one option: header of 16 bytes, name of no bytes, one wish.
      if (this.pending.length < 4 + 16 + 8) return;
      this.pending = this.pending.subarray(4 + 16 + 8);
      this.isNegotiated = true;
      const info = Buffer.alloc(12);
      info.writeBigUInt64BE(BigInt(DISK_BYTES), 2);
      info.writeUInt16BE(FLAGS_FLUSH_AND_MULTI_CONN, 10);
      socket.write(Buffer.concat([optionReply(3, info), optionReply(1, Buffer.alloc(0))]));
    }
    for (;;) {
      if (this.pending.length < HEADER_BYTES) return;
      const command = this.pending.readUInt16BE(6);
      const payloadBytes = command === Command.WRITE ? this.pending.readUInt32BE(24) : 0;
      this.wantedBytes = HEADER_BYTES + payloadBytes - this.pending.length;
      if (this.wantedBytes > 0) return;
      const payload = Buffer.from(this.pending.subarray(HEADER_BYTES, HEADER_BYTES + payloadBytes));
      this.received.push({ command, offsetBytes: Number(this.pending.readBigUInt64BE(16)), payload });
      const reply = Buffer.alloc(16);
      reply.writeUInt32BE(0x67446698, 0);
      this.pending.copy(reply, 8, 8, 16);
      this.pending = this.pending.subarray(HEADER_BYTES + payloadBytes);
      if (command !== Command.DISCONNECT) socket.write(reply);
    }
  }
}

function optionReply(type: number, data: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header.writeBigUInt64BE(0x3e889045565a9n, 0);
  header.writeUInt32BE(7, 8);
  header.writeUInt32BE(type, 12);
  header.writeUInt32BE(data.length, 16);
  return Buffer.concat([header, data]);
}

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
    expect(server.received).toEqual([
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
