/** What of a socket is needed here. */
export interface Outlet {
  readonly destroyed: boolean;
  write(bytes: Uint8Array, done: () => void): boolean;
}

/** One that is sent and one that is ready: more would be copied together by Node, several MiB at a time. */
const MAX_OUTSTANDING_WRITES = 2;

/**
 * What is to be sent, in order, handed to the socket a little at a time. Over TLS that takes 10 MB less than leaving the
 * gathering to Node, and no more time; measured with 1 MiB requests on two connections.
 */
export class OutgoingQueue {
  private readonly waiting: Uint8Array[] = [];
  private outstanding = 0;

  constructor(private readonly socket: Outlet) {}

  /** Nothing more may be written to the socket by anybody else, unless {@link isEmpty}. */
  push(...parts: readonly Uint8Array[]): void {
    this.waiting.push(...parts);
    this.pump();
  }

  /** Everything was handed to the socket: what is written to it now begins where a request ends. */
  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  private pump(): void {
    while (this.outstanding < MAX_OUTSTANDING_WRITES && !this.socket.destroyed) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      this.outstanding += 1;
      this.socket.write(next, () => {
        this.outstanding -= 1;
        this.pump();
      });
    }
  }
}
