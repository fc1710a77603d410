import {
  decodeGreeting,
  decodeInfo,
  decodeOptionReplyHeader,
  encodeClientFlags,
  encodeGo,
  GREETING_BYTES,
  MAX_PAYLOAD_BYTES,
  NbdProtocolError,
  OPTION_GO,
  OPTION_REPLY_HEADER_BYTES,
  optionErrorText,
  REPLY_ACK,
  REPLY_INFO,
  type ExportInfo,
} from './nbd.codec.js';

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
  | { readonly kind: 'done'; readonly negotiated: Negotiated; readonly rest: Buffer };

/**
 * The client's half of the negotiation, without a socket: feed it what arrives, cut as it may be, and do what it says.
 * Throws {@link NbdProtocolError} when the server refuses, or is none.
 */
export class NbdHandshake {
  private pending = Buffer.alloc(0);
  private greeted = false;
  private info: ExportInfo | null = null;
  private maxPayloadBytes = MAX_PAYLOAD_BYTES;

  constructor(private readonly exportName: string) {}

  push(chunk: Buffer): HandshakeStep {
    this.pending = Buffer.concat([this.pending, chunk]);
    if (!this.greeted) return this.greet();
    return this.readReplies();
  }

  private greet(): HandshakeStep {
    const greeting = this.take(GREETING_BYTES);
    if (greeting === null) return { kind: 'more' };
    const { noZeroes } = decodeGreeting(greeting);
    this.greeted = true;
    return { kind: 'send', bytes: Buffer.concat([encodeClientFlags(noZeroes), encodeGo(this.exportName)]) };
  }

  private readReplies(): HandshakeStep {
    for (;;) {
      if (this.pending.length < OPTION_REPLY_HEADER_BYTES) return { kind: 'more' };
      const header = decodeOptionReplyHeader(this.pending.subarray(0, OPTION_REPLY_HEADER_BYTES));
      if (header.option !== OPTION_GO) throw new NbdProtocolError(`a reply to option ${header.option}`);
      if (header.dataBytes > MAX_OPTION_DATA_BYTES) throw new NbdProtocolError('an option reply out of all proportion');
      const whole = this.take(OPTION_REPLY_HEADER_BYTES + header.dataBytes);
      if (whole === null) return { kind: 'more' };
      const data = whole.subarray(OPTION_REPLY_HEADER_BYTES);
      if (header.isError) throw new NbdProtocolError(refusal(header.type, data));
      if (header.type === REPLY_ACK) return this.finish();
      if (header.type === REPLY_INFO) this.note(data);
    }
  }

  private note(data: Buffer): void {
    const reply = decodeInfo(data);
    if (reply.kind === 'export') this.info = reply.info;
    if (reply.kind === 'block-size') {
      // The smallest write here is a sector; servers with a larger minimum are for other clients.
      if (reply.minimumBytes > 512) throw new NbdProtocolError(`a smallest request of ${reply.minimumBytes} bytes`);
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
