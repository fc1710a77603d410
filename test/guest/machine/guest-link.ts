import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { GuestAnswers, GuestNews, GuestOrderKind } from '../program/guest.orders.js';

/** Ends only what hangs; the longest is a round on a busy machine. */
const ANSWER_LIMIT_MS = 30 * 60_000;

interface Asked {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The host's end of the connection to a guest's program: orders there, answers back. */
export class GuestLink {
  /** Called when a final round has read everything and still holds these file systems. */
  onHeld: (mountPoints: readonly string[]) => void = () => undefined;
  private readonly asked = new Map<number, Asked>();
  private lastId = 0;
  private isClosed = false;

  private constructor(
    private readonly socket: Socket,
    readonly ready: { readonly kernel: string; readonly certificate: string },
  ) {}

  /** Listens for one guest. */
  static async listen(): Promise<{ port: number; connected: Promise<GuestLink>; close(): void }> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port for the guest');
    return { port: address.port, connected: GuestLink.accept(server), close: () => server.close() };
  }

  private static accept(server: Server): Promise<GuestLink> {
    return new Promise((resolve) => {
      server.once('connection', (socket) => {
        let link: GuestLink | null = null;
        socket.on('error', () => undefined);
        createInterface({ input: socket }).on('line', (line) => {
          const news = JSON.parse(line) as GuestNews;
          if ('ready' in news) resolve((link = new GuestLink(socket, news.ready)));
          else link?.hear(news);
        });
        socket.once('close', () => link?.lose());
      });
    });
  }

  ask<Kind extends GuestOrderKind>(
    kind: Kind,
    asks: GuestAnswers[Kind]['asks'],
  ): Promise<GuestAnswers[Kind]['answers']> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) {
        reject(new Error('the guest is gone'));
        return;
      }
      this.lastId += 1;
      const late = setTimeout(() => reject(new Error(`the guest has no answer to ${kind}`)), ANSWER_LIMIT_MS);
      this.asked.set(this.lastId, {
        resolve: (answer) => {
          clearTimeout(late);
          // The guest answers each kind with what belongs to it.
          resolve(answer as GuestAnswers[Kind]['answers']);
        },
        reject: (error) => {
          clearTimeout(late);
          reject(error);
        },
      });
      this.socket.write(`${JSON.stringify({ id: this.lastId, kind, ...asks })}\n`);
    });
  }

  shell(script: string): Promise<string> {
    return this.ask('shell', { script });
  }

  /** The guest switches itself off. */
  close(): void {
    this.socket.end();
  }

  private hear(news: Exclude<GuestNews, { ready: unknown }>): void {
    if ('held' in news) {
      this.onHeld(news.held);
      return;
    }
    const asked = this.asked.get(news.id);
    this.asked.delete(news.id);
    if ('failure' in news) asked?.reject(new Error(`in the guest: ${news.failure}`));
    else asked?.resolve(news.answer);
  }

  private lose(): void {
    this.isClosed = true;
    for (const asked of this.asked.values()) asked.reject(new Error('the guest is gone'));
    this.asked.clear();
  }
}
