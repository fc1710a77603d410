import { connect, createServer, type Server, type Socket } from 'node:net';
import type { NbdExport } from '#libs/contracts';

/** A network between client and server on which somebody listens, and may meddle. */
export class TappedLink {
  /** What went over it, in both directions, in the order in which it came. */
  readonly heard: Buffer[] = [];
  /** What becomes of the bytes on their way to the server. */
  meddle: (chunk: Buffer) => Buffer = (chunk) => chunk;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly near: NbdExport,
  ) {}

  static async to(target: NbdExport): Promise<TappedLink> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, target.host, resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const link = new TappedLink(server, { ...target, port });
    server.on('connection', (socket) => link.join(socket, connect({ host: target.host, port: target.port })));
    return link;
  }

  get heardBytes(): Buffer {
    return Buffer.concat(this.heard);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(near: Socket, far: Socket): void {
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (chunk: Buffer) => {
      this.heard.push(chunk);
      far.write(this.meddle(chunk));
    });
    far.on('data', (chunk: Buffer) => {
      this.heard.push(chunk);
      near.write(chunk);
    });
  }
}
