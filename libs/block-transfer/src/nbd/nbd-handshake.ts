import {
  decodeGreeting,
  decodeInfo,
  decodeOptionReplyHeader,
  encodeClientFlags,
  encodeGo,
  encodeStartTls,
  GREETING_BYTES,
  MAX_PAYLOAD_BYTES,
  NbdInsecureError,
  NbdProtocolError,
  OPTION_GO,
  OPTION_REPLY_HEADER_BYTES,
  OPTION_STARTTLS,
  optionErrorText,
  REPLY_ACK,
  REPLY_INFO,
  type ExportInfo,
} from './nbd.codec.js';

/** Of a maximum: a digest block. With less a step of a round would fall into any number of requests. */
const MIN_MAXIMUM_PAYLOAD_BYTES = 64 * 1024;
/** Option replies are a name and a few numbers; more than this is not a server that we want to listen to. */
const MAX_OPTION_DATA_BYTES = 64 * 1024;

export interface Negotiated {
  readonly info: ExportInfo;
  /** Most payload of one request: the server's limit, at most 32 MiB. */
  readonly maxPayloadBytes: number;
}

export type HandshakeStep =
  | { readonly kind: 'more' }
  | { readonly kind: 'send'; readonly bytes: Buffer }
  /** The server waits for TLS to begin. Only then goes the negotiation on, with {@link NbdHandshake.secured}. */
  | { readonly kind: 'secure' }
  | { readonly kind: 'done'; readonly negotiated: Negotiated; readonly rest: Buffer };

/**
 * The client's half of the negotiation, without a socket: feed it what arrives, cut as it may be, and do what it says.
 * Throws {@link NbdProtocolError} when the server refuses, or is none; {@link NbdInsecureError} when TLS is wanted and
 * the server will not have it, or something was said in the clear after it agreed (which somebody else may have put in).
 */
export class NbdHandshake {
  private pending = Buffer.alloc(0);
  private state: 'greeting' | 'starting-tls' | 'describing' = 'greeting';
  private info: ExportInfo | null = null;
  private maxPayloadBytes = MAX_PAYLOAD_BYTES;

  constructor(
    private readonly exportName: string,
    private readonly wantsTls = false,
  ) {}

  push(chunk: Buffer): HandshakeStep {
    this.pending = Buffer.concat([this.pending, chunk]);
    switch (this.state) {
      case 'greeting':
        return this.greet();
      case 'starting-tls':
        return this.startTls();
      case 'describing':
        return this.readReplies();
    }
  }

  /** The channel is secure now. @returns what to send over it */
  secured(): Buffer {
    this.state = 'describing';
    return encodeGo(this.exportName);
  }

  private greet(): HandshakeStep {
    const greeting = this.take(GREETING_BYTES);
    if (greeting === null) return { kind: 'more' };
    const { noZeroes } = decodeGreeting(greeting);
    this.state = this.wantsTls ? 'starting-tls' : 'describing';
    const option = this.wantsTls ? encodeStartTls() : encodeGo(this.exportName);
    return { kind: 'send', bytes: Buffer.concat([encodeClientFlags(noZeroes), option]) };
  }

  private startTls(): HandshakeStep {
    const reply = this.takeReply(OPTION_STARTTLS);
    if (reply === null) return { kind: 'more' };
    if (reply.isError) throw new NbdInsecureError(`the server refuses TLS (${refusal(reply.type, reply.data)})`);
    if (reply.type !== REPLY_ACK) throw new NbdProtocolError('no answer to the wish for TLS');
    if (this.pending.length > 0) throw new NbdInsecureError('more was said in the clear after the agreement on TLS');
    return { kind: 'secure' };
  }

  private readReplies(): HandshakeStep {
    for (;;) {
      const reply = this.takeReply(OPTION_GO);
      if (reply === null) return { kind: 'more' };
      if (reply.isError) throw new NbdProtocolError(refusal(reply.type, reply.data));
      if (reply.type === REPLY_ACK) return this.finish();
      if (reply.type === REPLY_INFO) this.note(reply.data);
    }
  }

  /** @returns null when it is not all there */
  private takeReply(option: number): { type: number; isError: boolean; data: Buffer } | null {
    if (this.pending.length < OPTION_REPLY_HEADER_BYTES) return null;
    const header = decodeOptionReplyHeader(this.pending.subarray(0, OPTION_REPLY_HEADER_BYTES));
    if (header.option !== option) throw new NbdProtocolError(`a reply to option ${header.option}`);
    if (header.dataBytes > MAX_OPTION_DATA_BYTES) throw new NbdProtocolError('an option reply out of all proportion');
    const whole = this.take(OPTION_REPLY_HEADER_BYTES + header.dataBytes);
    if (whole === null) return null;
    return { type: header.type, isError: header.isError, data: whole.subarray(OPTION_REPLY_HEADER_BYTES) };
  }

  private note(data: Buffer): void {
    const reply = decodeInfo(data);
    if (reply.kind === 'export') this.info = reply.info;
    if (reply.kind === 'block-size') {
      // The smallest write here is a sector; servers with a larger minimum are for other clients.
      if (reply.minimumBytes > 512) throw new NbdProtocolError(`a smallest request of ${reply.minimumBytes} bytes`);
      if (reply.maximumPayloadBytes < MIN_MAXIMUM_PAYLOAD_BYTES)
        throw new NbdProtocolError(`a largest request of ${reply.maximumPayloadBytes} bytes`);
      this.maxPayloadBytes = Math.min(MAX_PAYLOAD_BYTES, reply.maximumPayloadBytes);
    }
  }

  private finish(): HandshakeStep {
    if (this.info === null) throw new NbdProtocolError('the server did not describe its export');
    const negotiated = { info: this.info, maxPayloadBytes: this.maxPayloadBytes };
    return { kind: 'done', negotiated, rest: this.pending };
  }

  private take(length: number): Buffer | null {
    if (this.pending.length < length) return null;
    const taken = this.pending.subarray(0, length);
    this.pending = this.pending.subarray(length);
    return taken;
  }
}

function refusal(type: number, data: Buffer): string {
  const words = data.toString('utf8').trim().slice(0, 200);
  return words === '' ? optionErrorText(type) : `${optionErrorText(type)}: ${words}`;
}
