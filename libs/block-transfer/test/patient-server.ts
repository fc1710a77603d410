import { createServer, type Server, type Socket } from 'node:net';
import type { NbdExport } from '#libs/contracts';
import { Command, REQUEST_HEADER_BYTES } from '../src/nbd/nbd.codec.js';

export const ExportFlag = { HAS_FLAGS: 1, READ_ONLY: 2, FLUSH: 4, WRITE_ZEROES: 64, MULTI_CONN: 256 } as const;
const { HAS_FLAGS, FLUSH, WRITE_ZEROES, MULTI_CONN } = ExportFlag;
/** The client's flags, and its one option: header of 16 bytes, name of no bytes, two wishes at most. */
const OPTION_AT = 4;
const OPTION_HEADER_BYTES = 16;

export interface Received {
  readonly command: number;
  readonly offsetBytes: number;
  readonly payload: Buffer;
  /** As the request says it. */
  readonly lengthBytes: number;
}

/** What a connection is told of the export. */
export interface Described {
  readonly sizeBytes: number;
  readonly flags: number;
  readonly maxPayloadBytes?: number;
}

export const ORDINARY: Described = { sizeBytes: 2 ** 30, flags: HAS_FLAGS | FLUSH | WRITE_ZEROES | MULTI_CONN };

/** An NBD server that takes everything, remembers it, and can be made to stop reading. */
export class PatientServer {
  readonly received: Received[] = [];
  private readonly sockets = new Set<Socket>();
  private connections = 0;
  private readonly server: Server;

  private constructor(describe: (connection: number) => Described | null) {
    this.server = createServer((socket) => {
      this.connections += 1;
      const described = describe(this.connections);
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      if (described === null) return;
      const client = new Client(socket, described, (request) => this.received.push(request));
      socket.on('data', (chunk) => client.take(chunk));
      socket.write(Buffer.concat([Buffer.from('NBDMAGICIHAVEOPT', 'latin1'), Buffer.from([0, 3])]));
    });
  }

  /** @param describe what the first, second and so on connection is told; null: it is never answered */
  static async start(describe: (connection: number) => Described | null = () => ORDINARY): Promise<PatientServer> {
    const patient = new PatientServer(describe);
    await new Promise<void>((resolve) => patient.server.listen(0, '127.0.0.1', () => resolve()));
    return patient;
  }

  get export(): NbdExport {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return { host: '127.0.0.1', port: address.port, exportName: '' };
  }

  pause(): void {
    for (const socket of this.sockets) socket.pause();
  }

  resume(): void {
    for (const socket of this.sockets) socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

class Client {
  private pending = Buffer.alloc(0);
  private chunks: Buffer[] = [];
  /** Less is not worth putting together. */
  private wantedBytes = 0;
  private isNegotiated = false;

  constructor(
    private readonly socket: Socket,
    private readonly described: Described,
    private readonly onRequest: (request: Received) => void,
  ) {}

  take(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.wantedBytes -= chunk.length;
    if (this.wantedBytes > 0) return;
    this.pending = Buffer.concat([this.pending, ...this.chunks]);
    this.chunks = [];
    if (!this.isNegotiated && !this.negotiate()) return;
    for (;;) {
      if (this.pending.length < REQUEST_HEADER_BYTES) return;
      const command = this.pending.readUInt16BE(6);
      const lengthBytes = this.pending.readUInt32BE(24);
      const payloadBytes = command === Command.WRITE ? lengthBytes : 0;
      this.wantedBytes = REQUEST_HEADER_BYTES + payloadBytes - this.pending.length;
      if (this.wantedBytes > 0) return;
      this.answer(command, lengthBytes, payloadBytes);
    }
  }

  private negotiate(): boolean {
    const headerEnd = OPTION_AT + OPTION_HEADER_BYTES;
    if (this.pending.length < headerEnd) return false;
    const end = headerEnd + this.pending.readUInt32BE(headerEnd - 4);
    if (this.pending.length < end) return false;
    this.pending = this.pending.subarray(end);
    this.isNegotiated = true;
    const { sizeBytes, flags, maxPayloadBytes } = this.described;
    const info = Buffer.alloc(12);
    info.writeBigUInt64BE(BigInt(sizeBytes), 2);
    info.writeUInt16BE(flags, 10);
    const replies = [optionReply(3, info)];
    if (maxPayloadBytes !== undefined) {
      const sizes = Buffer.alloc(14);
      sizes.writeUInt16BE(3, 0);
      for (const [place, bytes] of [1, 4096, maxPayloadBytes].entries()) sizes.writeUInt32BE(bytes, 2 + 4 * place);
      replies.push(optionReply(3, sizes));
    }
    this.socket.write(Buffer.concat([...replies, optionReply(1, Buffer.alloc(0))]));
    return true;
  }

  private answer(command: number, lengthBytes: number, payloadBytes: number): void {
    const offsetBytes = Number(this.pending.readBigUInt64BE(16));
    const payload = Buffer.from(this.pending.subarray(REQUEST_HEADER_BYTES, REQUEST_HEADER_BYTES + payloadBytes));
    this.onRequest({ command, offsetBytes, payload, lengthBytes });
    const reply = Buffer.alloc(16);
    reply.writeUInt32BE(0x67446698, 0);
    this.pending.copy(reply, 8, 8, 16);
    this.pending = this.pending.subarray(REQUEST_HEADER_BYTES + payloadBytes);
    if (command !== Command.DISCONNECT) this.socket.write(reply);
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
