import { connect, createServer, type Server, type Socket } from 'node:net';
import type { NbdExport } from '#libs/contracts';

/** A network between a client and a server that breaks after so many bytes: it is cut, and stays so, or another fault. */
export class FragileLink {
  private readonly sockets = new Set<Socket>();
  private passedBytes = 0;
  private isCut = false;

  private constructor(
    private readonly target: NbdExport,
    private readonly cutAfterBytes: number,
    private readonly fault: (() => void) | null,
    private readonly server: Server,
    readonly near: NbdExport,
  ) {}

  /**
   * @param cutAfterBytes on their way to the server
   * @param fault happens instead of the cut; may happen more than once
   */
  static async to(target: NbdExport, cutAfterBytes: number, fault: (() => void) | null = null): Promise<FragileLink> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, target.host, resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const link = new FragileLink(target, cutAfterBytes, fault, server, { ...target, port });
    server.on('connection', (socket) => link.join(socket));
    return link;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  private join(near: Socket): void {
    if (this.isCut) {
      near.destroy();
      return;
    }
    const far = connect({ host: this.target.host, port: this.target.port });
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (chunk: Buffer) => {
      this.passedBytes += chunk.length;
      if (this.passedBytes < this.cutAfterBytes) return;
      if (this.fault === null) this.cut();
      else this.fault();
    });
    near.pipe(far);
    far.pipe(near);
  }
}
