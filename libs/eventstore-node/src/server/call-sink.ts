import type { EventEmitter } from 'node:events';
import type { CallError } from './call-errors.js';

interface StreamingCall extends EventEmitter {
  write(message: Buffer): boolean;
  end(): unknown;
}

/** The answering side of a call that answers many times. Knows when to wait, and when nobody listens any more. */
export class CallSink {
  readonly #call: StreamingCall;
  readonly #closers = new Set<() => void>();
  #closed = false;

  constructor(call: StreamingCall) {
    this.#call = call;
    call.on('cancelled', () => this.#close());
    call.on('close', () => this.#close());
    call.on('error', () => this.#close());
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
    return this.#closed || this.#call.write(message);
  }

  /** Settles when there is room again, or when the call has ended. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed) {
        resolve();
        return;
      }
      const done = (): void => {
        this.#call.removeListener('drain', done);
        forget();
        resolve();
      };
      const forget = this.onClose(done);
      this.#call.once('drain', done);
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

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const listener of [...this.#closers]) listener();
    this.#closers.clear();
  }
}
