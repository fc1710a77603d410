import { createServer, type Server, type Socket } from 'node:net';
import type { NbdExport } from '#libs/contracts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

/** What a server says on the wire, as the protocol document has it. */
export const SAYS = {
  greeting: hex('4e42444d41474943 49484156454f5054 0003'),
  tlsAgreed: hex('0003e889045565a9 00000005 00000001 00000000'),
  tlsForbidden: hex('0003e889045565a9 00000005 80000002 00000000'),
  tlsUnknown: hex('0003e889045565a9 00000005 80000001 00000000'),
  /** An export of one GiB, and the end of the negotiation. */
  described: hex(
    '0003e889045565a9 00000007 00000003 0000000c 0000 0000000040000000 056d 0003e889045565a9 00000007 00000001 00000000',
  ),
} as const;

/** A server that pretends, or breaks off, at a given place. */
export class FalseServer {
  /** What its clients said after their wish for TLS. */
  readonly told: Buffer[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  /** @param answer says what the server does once the client has asked for TLS */
  static async at(host: string, answer: (socket: Socket) => void): Promise<FalseServer> {
    const server = createServer();
    const pretender = new FalseServer(server);
    server.on('connection', (socket) => {
      pretender.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.write(SAYS.greeting);
      socket.once('data', () => {
        socket.on('data', (chunk: Buffer) => pretender.told.push(chunk));
        answer(socket);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return pretender;
  }

  exportWith(host: string, serverCertificate: string): NbdExport {
    const address = this.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return { host, port, exportName: '', serverCertificate };
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
