/** What of a socket is needed here. */
export interface Outlet {
  readonly destroyed: boolean;
  cork(): void;
  uncork(): void;
  write(bytes: Uint8Array, done?: () => void): boolean;
}

/** The pieces of one request, which leave together: its header and its payload, or both in one. */
export type Frame = readonly [Uint8Array, ...Uint8Array[]];

/**
 * One that is on its way and one that is ready: of any more Node makes one piece, which TLS copies into fresh memory,
 * several MiB at a time. Over TLS that takes 10 MB less, and no more time; measured with 1 MiB requests on two connections.
 */
const MAX_OUTSTANDING_FRAMES = 2;

/** What is to be sent, handed to the socket a little at a time. */
export class OutgoingQueue {
  private readonly waiting: Frame[] = [];
  private outstanding = 0;

  /** @param onLeft a frame has left this process */
  constructor(
    private readonly socket: Outlet,
    private readonly onLeft: () => void = () => undefined,
  ) {}

  /** Nothing may be written to the socket by anybody else, unless {@link drop} was called. */
  push(frame: Frame): void {
    this.waiting.push(frame);
    this.pump();
  }

  /** Before everything that has not been handed to the socket yet. */
  pushFirst(frame: Frame): void {
    this.waiting.unshift(frame);
    this.pump();
  }

  /** Forgets what was not handed to the socket yet: what is written to it now begins where a request ends. */
  drop(): void {
    this.waiting.length = 0;
  }

  private pump(): void {
    while (this.outstanding < MAX_OUTSTANDING_FRAMES && !this.socket.destroyed) {
      const frame = this.waiting.shift();
      if (frame === undefined) return;
      this.outstanding += 1;
      const last = frame.length - 1;
      // Corked, a header and its payload leave in one system call.
      this.socket.cork();
      for (const [place, piece] of frame.entries()) this.socket.write(piece, place === last ? this.passed : undefined);
      this.socket.uncork();
    }
  }

  private readonly passed = (): void => {
    this.outstanding -= 1;
    this.onLeft();
    this.pump();
  };
}
