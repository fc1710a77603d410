import { decodeReplyHeader, REPLY_HEADER_BYTES } from './nbd.codec.js';

export interface ReplySink {
  /** Where the payload that follows a successful reply goes; null when none follows. Throws for an unknown cookie. */
  payloadOf(cookie: number): Uint8Array | null;
  onReply(cookie: number, error: number): void;
}

/** Cuts the server's stream into replies, however it arrives; READ payload is copied once, into its destination. */
export class ReplyDecoder {
  private readonly header = Buffer.alloc(REPLY_HEADER_BYTES);
  private headerFilled = 0;
  private payload: { readonly cookie: number; readonly target: Uint8Array; filled: number } | null = null;

  constructor(private readonly sink: ReplySink) {}

  /** Throws NbdProtocolError when the stream makes no sense. */
  push(chunk: Uint8Array): void {
    let used = 0;
    while (used < chunk.length) {
      const rest = chunk.subarray(used);
      used += this.payload === null ? this.takeHeader(rest) : this.takePayload(this.payload, rest);
    }
  }

  private takeHeader(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, REPLY_HEADER_BYTES - this.headerFilled);
    this.header.set(bytes.subarray(0, taken), this.headerFilled);
    this.headerFilled += taken;
    if (this.headerFilled < REPLY_HEADER_BYTES) return taken;
    this.headerFilled = 0;
    const { error, cookie } = decodeReplyHeader(this.header);
    const target = this.sink.payloadOf(cookie);
    if (error === 0 && target !== null && target.length > 0) this.payload = { cookie, target, filled: 0 };
    else this.sink.onReply(cookie, error);
    return taken;
  }

  private takePayload(payload: NonNullable<ReplyDecoder['payload']>, bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, payload.target.length - payload.filled);
    payload.target.set(bytes.subarray(0, taken), payload.filled);
    payload.filled += taken;
    if (payload.filled === payload.target.length) {
      this.payload = null;
      this.sink.onReply(payload.cookie, 0);
    }
    return taken;
  }
}
