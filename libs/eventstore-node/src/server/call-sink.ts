import type { EventEmitter } from 'node:events';
import { outOfMemory, type CallError } from './call-errors.js';
import type { Holder, MemoryBudget } from './memory-budget.js';
import { resetCall } from './reset-call.js';

interface StreamingCall extends EventEmitter {
  write(message: Buffer, sent: () => void): boolean;
  end(): unknown;
}

/** Bytes on their way to one client before it counts as slow. */
const UNSENT_LIMIT_BYTES = 128 * 1024;

/** The answering side of a call that answers many times. Knows when to wait, and when nobody listens any more. */
export class CallSink implements Holder {
  readonly #call: StreamingCall;
  readonly #budget: MemoryBudget;
  readonly #closers = new Set<() => void>();
  #waiting: (() => void)[] = [];
  #unsentBytes = 0;
  #closed = false;

  /** @param budget what all calls together may have under way */
  constructor(call: StreamingCall, budget: MemoryBudget) {
    this.#call = call;
    this.#budget = budget;
    const close = (): void => this.#close();
    // Comes whenever the stream below is over, also after an orderly end: what was not sent never will be.
    call.on('cancelled', () => {
      budget.releaseAll(this);
      this.#close();
    });
    call.on('close', close);
    call.on('error', close);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Called once when the call has ended, whoever ended it. @returns a function that takes the listener away */
  onClose(listener: () => void): () => void {
    if (this.#closed) {
      listener();
      return () => undefined;
    }
    this.#closers.add(listener);
    return () => {
      this.#closers.delete(listener);
    };
  }

  /** @returns false when the client does not keep up: wait for `drained` before the next one */
  write(message: Buffer): boolean {
    if (this.#closed) return true;
    const bytes = message.length;
    this.#unsentBytes += bytes;
    this.#budget.hold(this, bytes);
    this.#call.write(message, () => {
      this.#unsentBytes -= bytes;
      this.#budget.release(this, bytes);
      if (this.#waiting.length > 0 && this.#unsentBytes < UNSENT_LIMIT_BYTES) this.#wake();
    });
    return this.#unsentBytes < UNSENT_LIMIT_BYTES;
  }

  /** Settles when there is room again, or when the call has ended. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed || this.#unsentBytes < UNSENT_LIMIT_BYTES) resolve();
      else this.#waiting.push(resolve);
    });
  }

  end(): void {
    if (this.#closed) return;
    this.#call.end();
    this.#close();
  }

  fail(error: CallError): void {
    if (this.#closed) return;
    this.#call.emit('error', error);
    this.#close();
  }

  evict(): void {
    if (!resetCall(this.#call)) this.fail(outOfMemory());
    this.#close();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const listener of [...this.#closers]) listener();
    this.#closers.clear();
    this.#wake();
  }
}
