import type { ServerInterceptingCall, ServerInterceptor } from '@grpc/grpc-js';
import type { Http2Stream } from 'node:http2';
import type { Holder, MemoryBudget } from './memory-budget.js';
import { http2StreamOf, resetStream } from './reset-call.js';

/** gRPC puts a flag and a length before each message. */
const HEAD_BYTES = 5;

/**
 * Counts the bytes of messages that have begun to arrive and are not complete, over all calls. grpc-js keeps them
 * until the rest comes, which a client may put off for ever.
 */
export const countIncompleteMessages =
  (budget: MemoryBudget): ServerInterceptor =>
  (_method, call) => {
    const stream = http2StreamOf(call);
    if (stream !== undefined) new IncompleteMessage(stream, budget);
    // Only looked at: a wrapper would cost every message. The type asks for the class, the server for the interface.

    return call as ServerInterceptingCall;
  };

class IncompleteMessage implements Holder {
  readonly #stream: Http2Stream;
  readonly #budget: MemoryBudget;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headBytes = 0;
  #missingBytes = 0;
  #heldBytes = 0;

  constructor(stream: Http2Stream, budget: MemoryBudget) {
    this.#stream = stream;
    this.#budget = budget;
    stream.on('data', (chunk: Buffer) => this.#arrived(chunk));
    stream.on('close', () => budget.releaseAll(this));
  }

  evict(): void {
    resetStream(this.#stream);
  }

  #arrived(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#missingBytes > 0) at = this.#passContent(chunk, at);
      else at = this.#readHead(chunk, at);
    }
    const held = this.#missingBytes > 0 ? this.#heldBytes : 0;
    if (held > 0) this.#budget.hold(this, chunk.length);
    else this.#budget.releaseAll(this);
  }

  #passContent(chunk: Buffer, at: number): number {
    const passed = Math.min(this.#missingBytes, chunk.length - at);
    this.#missingBytes -= passed;
    this.#heldBytes += passed;
    return at + passed;
  }

  #readHead(chunk: Buffer, at: number): number {
    const taken = chunk.copy(this.#head, this.#headBytes, at, at + HEAD_BYTES - this.#headBytes);
    this.#headBytes += taken;
    if (this.#headBytes === HEAD_BYTES) {
      this.#headBytes = 0;
      this.#heldBytes = 0;
      this.#missingBytes = this.#head.readUInt32BE(1);
    }
    return at + taken;
  }
}
