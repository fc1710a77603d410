import type { Socket } from 'node:net';
import type { NbdExport } from '#libs/contracts';
import { EndpointFailure, reasonOf } from '../endpoint-failure.js';
import { dialExport, type DialOptions } from './nbd-dial.js';
import { pathLost, pathSilent, replyFailure } from './nbd-failures.js';
import type { Negotiated } from './nbd-handshake.js';
import { OutgoingQueue, type Frame } from './outgoing-queue.js';
import { ReplyDecoder } from './nbd-reply.decoder.js';
import { Command, encodeRequest, MAX_RANGE_BYTES, type ExportInfo } from './nbd.codec.js';

const DEFAULT_REPLY_TIMEOUT_MS = 60_000;
/** What a server has to work on at the same time for each connection, besides a FLUSH. */
export const REQUESTS_IN_FLIGHT = 4;
/** How long a polite goodbye may take before the socket is simply closed. */
const GOODBYE_TIMEOUT_MS = 2_000;

export interface NbdConnectOptions extends DialOptions {
  /** Longest silence of the connection, in both directions, while a reply is owed. */
  replyTimeoutMs?: number;
  /** Requests in flight; more wait in order. */
  maxInFlight?: number;
}

interface Waiting {
  readonly command: Command;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** WRITE: what is sent. The bytes must not change before the reply. */
  readonly outgoing: Uint8Array | null;
  /** The header goes into the bytes before `outgoing`, in the same memory, which are ours as well. */
  readonly hasHeaderRoom: boolean;
  /** READ: where the reply's payload goes. */
  readonly incoming: Uint8Array | null;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

/**
 * One NBD connection with requests in flight. A request resolves with the server's reply, in whatever order replies come.
 *
 * Failures are sticky: after the first failed write, zeroing, trim or flush, and after the loss of the connection, every
 * further request is refused with that failure. A server may answer OK to a FLUSH that follows a failed write, which
 * must never look like success. Rejections are EndpointFailures: `DATA_PATH_LOST` (connection lost, silence),
 * `TARGET_DISK_FULL`, `TARGET_WRITE_FAILED`; `EXPORT_FAILED` and `DATA_PATH_UNTRUSTED` from
 * {@link NbdConnection.connect} alone.
 */
export class NbdConnection {
  private readonly inFlight = new Map<number, Waiting>();
  private readonly queue: Waiting[] = [];
  private readonly decoder: ReplyDecoder;
  private readonly outgoing: OutgoingQueue;
  private lastCookie = 0;
  private failure: Error | null = null;
  /** When anything came, or a request had left, or began to while nothing was owed. */
  private heardMs = performance.now();

  private constructor(
    private readonly socket: Socket,
    private readonly where: string,
    private readonly negotiated: Negotiated,
    private readonly maxInFlight: number,
  ) {
    this.outgoing = new OutgoingQueue(socket, () => (this.heardMs = performance.now()));
    this.decoder = new ReplyDecoder({
      payloadOf: (cookie) => this.requestOf(cookie).incoming,
      onReply: (cookie, error) => this.settle(cookie, error),
    });
  }

  /** Dials an export and negotiates: in TLS when the export has a certificate, and then in nothing else. */
  static async connect(target: NbdExport, options: NbdConnectOptions = {}): Promise<NbdConnection> {
    options.signal?.throwIfAborted();
    const { socket, where, negotiated, rest } = await dialExport(target, options);
    const connection = new NbdConnection(socket, where, negotiated, options.maxInFlight ?? REQUESTS_IN_FLIGHT);
    connection.attach(options, rest);
    return connection;
  }

  get info(): ExportInfo {
    return this.negotiated.info;
  }

  /** Most payload of one request in bytes. */
  get maxPayloadBytes(): number {
    return this.negotiated.maxPayloadBytes;
  }

  /** Requests in flight and waiting: the load by which connections are chosen. */
  get load(): number {
    return this.inFlight.size + this.queue.length;
  }

  /**
   * @param payload must not change before the reply
   * @param hasHeaderRoom the {@link REQUEST_HEADER_BYTES} bytes in front of `payload`, in the same memory, may be
   *   overwritten, and must not be touched before the reply either. Header and payload are then one piece: of two, TLS
   *   makes one by copying both, a mebibyte of fresh memory each time.
   */
  async write(offsetBytes: number, payload: Uint8Array, hasHeaderRoom = false): Promise<void> {
    const lengthBytes = payload.length;
    await this.request({ command: Command.WRITE, offsetBytes, lengthBytes, outgoing: payload, hasHeaderRoom });
  }

  /** Makes a range read as zeros; the server may give its storage back. Up to 4 GiB less 1 MiB. */
  async writeZeroes(offsetBytes: number, lengthBytes: number): Promise<void> {
    await this.request({ command: Command.WRITE_ZEROES, offsetBytes, lengthBytes });
  }

  /** Tells the server that a range is not needed; what it reads as afterwards is not defined. */
  async trim(offsetBytes: number, lengthBytes: number): Promise<void> {
    await this.request({ command: Command.TRIM, offsetBytes, lengthBytes });
  }

  async read(offsetBytes: number, target: Uint8Array): Promise<void> {
    await this.request({ command: Command.READ, offsetBytes, lengthBytes: target.length, incoming: target });
  }

  /** Resolves when everything that was answered before this call is durable. Does not wait its turn behind writes. */
  async flush(): Promise<void> {
    await this.request({ command: Command.FLUSH, offsetBytes: 0, lengthBytes: 0 });
  }

  /** Says goodbye when nothing went wrong, and closes; what has not left by then is not sent. Never rejects. */
  async close(): Promise<void> {
    if (this.socket.destroyed) return;
    const closed = new Promise<void>((resolve) => this.socket.once('close', () => resolve()));
    if (this.failure === null) {
      const failure = pathLost(this.where, 'the connection was closed');
      this.failure = failure;
      this.rejectQueued(failure);
      // Requests go to the socket whole, so what has left ends where a request ends.
      this.outgoing.drop();
      this.socket.end(encodeRequest({ command: Command.DISCONNECT, cookie: 0, offsetBytes: 0, lengthBytes: 0 }));
      const goodbye = setTimeout(() => this.socket.destroy(), GOODBYE_TIMEOUT_MS);
      await closed;
      clearTimeout(goodbye);
      // Only now: what was handed to the socket was being sent until then.
      this.rejectAll(failure);
      return;
    }
    this.socket.destroy();
    await closed;
  }

  private attach(options: NbdConnectOptions, rest: Buffer): void {
    const { socket } = this;
    // Node's idle timer also sees a large write that trickles out, so a slow link is not a dead one; in TLS it sees that
    // only when a whole frame has left, and waits for it twice as long.
    socket.setTimeout(options.replyTimeoutMs ?? DEFAULT_REPLY_TIMEOUT_MS);
    socket.on('timeout', () => {
      if (this.inFlight.size > 0) this.fail(pathSilent(this.where, Math.round(performance.now() - this.heardMs)));
    });
    socket.on('error', (error) => this.fail(pathLost(this.where, reasonOf(error), error)));
    socket.on('end', () => this.fail(pathLost(this.where, 'the server closed the connection')));
    socket.on('close', () => this.fail(pathLost(this.where, 'the connection was closed')));
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    const { signal } = options;
    if (signal !== undefined) {
      const abort = (): void => this.fail(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      signal.addEventListener('abort', abort);
      socket.once('close', () => signal.removeEventListener('abort', abort));
      if (signal.aborted) abort();
    }
    if (rest.length > 0) this.receive(rest);
    socket.resume();
  }

  private receive(chunk: Buffer): void {
    if (this.failure !== null) return;
    this.heardMs = performance.now();
    try {
      this.decoder.push(chunk);
    } catch (error) {
      this.fail(error instanceof EndpointFailure ? error : pathLost(this.where, reasonOf(error), error));
    }
  }

  private async request(
    request: Pick<Waiting, 'command' | 'offsetBytes' | 'lengthBytes'> & Partial<Waiting>,
  ): Promise<void> {
    if (this.failure !== null) throw this.failure;
    this.assertAllowed(request);
    await new Promise<void>((resolve, reject) => {
      const waiting = { outgoing: null, incoming: null, hasHeaderRoom: false, ...request, resolve, reject };
      if (request.command === Command.FLUSH) this.send(waiting);
      else {
        this.queue.push(waiting);
        this.sendWaiting();
      }
    });
  }

  private assertAllowed({ command, lengthBytes }: { command: Command; lengthBytes: number }): void {
    const { info } = this;
    const advertised: Readonly<Record<Command, boolean>> = {
      [Command.READ]: true,
      [Command.WRITE]: !info.readOnly,
      [Command.DISCONNECT]: true,
      [Command.FLUSH]: info.canFlush,
      [Command.TRIM]: info.canTrim,
      [Command.WRITE_ZEROES]: info.canWriteZeroes,
    };
    if (!advertised[command]) throw new Error(`the export does not offer command ${command}`);
    const carriesPayload = command === Command.WRITE || command === Command.READ;
    const limit = carriesPayload ? this.maxPayloadBytes : MAX_RANGE_BYTES;
    if (lengthBytes > limit) throw new RangeError(`a request of ${lengthBytes} bytes, more than ${limit}`);
  }

  private sendWaiting(): void {
    while (this.failure === null && this.inFlight.size < this.maxInFlight) {
      const next = this.queue.shift();
      if (next === undefined) return;
      this.send(next);
    }
  }

  private send(waiting: Waiting): void {
    do this.lastCookie = (this.lastCookie + 1) >>> 0;
    while (this.inFlight.has(this.lastCookie));
    const cookie = this.lastCookie;
    if (this.inFlight.size === 0) this.heardMs = performance.now();
    this.inFlight.set(cookie, waiting);
    const frame = frameOf(encodeRequest({ ...waiting, cookie }), waiting);
    // A FLUSH covers what was answered before, so it may leave before writes that have not left yet.
    if (waiting.command === Command.FLUSH) this.outgoing.pushFirst(frame);
    else this.outgoing.push(frame);
  }

  private requestOf(cookie: number): Waiting {
    const waiting = this.inFlight.get(cookie);
    if (waiting === undefined) throw pathLost(this.where, `a reply to request ${cookie}, which is not in flight`);
    return waiting;
  }

  private settle(cookie: number, error: number): void {
    const waiting = this.requestOf(cookie);
    this.inFlight.delete(cookie);
    if (error === 0) {
      waiting.resolve();
      this.sendWaiting();
      return;
    }
    const failure = replyFailure(waiting.command, error, waiting.offsetBytes);
    waiting.reject(failure);
    if (waiting.command === Command.READ) this.sendWaiting();
    else this.fail(failure);
  }

  private fail(failure: Error): void {
    if (this.failure !== null) return;
    this.failure = failure;
    this.rejectAll(failure);
    this.socket.destroy();
  }

  private rejectAll(failure: Error): void {
    this.rejectQueued(failure);
    for (const waiting of this.inFlight.values()) waiting.reject(failure);
    this.inFlight.clear();
  }

  /** Those that the socket knows nothing of. */
  private rejectQueued(failure: Error): void {
    for (const waiting of this.queue.splice(0)) waiting.reject(failure);
  }
}

/** A request as the socket gets it: in one piece where there is room for its header, else in two. */
function frameOf(header: Uint8Array, { outgoing, hasHeaderRoom }: Waiting): Frame {
  if (outgoing === null) return [header];
  const { buffer, byteOffset, length } = outgoing;
  if (!hasHeaderRoom || byteOffset < header.length) return [header, outgoing];
  const whole = new Uint8Array(buffer, byteOffset - header.length, header.length + length);
  whole.set(header);
  return [whole];
}
