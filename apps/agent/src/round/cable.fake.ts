import type { NbdExport } from '#libs/contracts';
import { connect, createServer, type Server, type Socket } from 'node:net';

const HOST = '127.0.0.1';

/** A path to a server that can be cut and mended; its own address stays the same. */
export class Cable {
  readonly export: NbdExport;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;

  private constructor(port: number) {
    this.export = { host: HOST, port, exportName: '' };
  }

  /** Not mended yet: nobody listens at its address. */
  static async lay(): Promise<Cable> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    if (address === null || typeof address === 'string') throw new Error('no port');
    return new Cable(address.port);
  }

  async mend(to: NbdExport): Promise<void> {
    const server = createServer((near) => {
      const far = connect(to.port, to.host);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
      }
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.export.port, HOST, resolve);
    });
    this.#server = server;
  }

  cut(): void {
    this.#server?.close();
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
  }
}
