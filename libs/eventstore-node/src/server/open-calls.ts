import type { CallSink } from './call-sink.js';
import { shuttingDown } from './call-errors.js';

/** The calls that stay open until somebody ends them; at shutdown the node does. */
export class OpenCalls {
  readonly #sinks = new Set<CallSink>();
  #closing = false;

  add(sink: CallSink): void {
    if (this.#closing) {
      sink.fail(shuttingDown());
      return;
    }
    this.#sinks.add(sink);
    sink.onClose(() => this.#sinks.delete(sink));
  }

  /** Ends every open call with UNAVAILABLE, which tells clients to connect again. */
  endAll(): void {
    this.#closing = true;
    for (const sink of [...this.#sinks]) sink.fail(shuttingDown());
  }
}
