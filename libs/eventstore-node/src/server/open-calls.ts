import { CallSink } from './call-sink.js';
import { MemoryBudget } from './memory-budget.js';
import { shuttingDown } from './call-errors.js';

/** Bytes that all calls together may have under way to clients, and in requests that are not complete. */
const UNSENT_LIMIT_BYTES = 64 * 1024 * 1024;
const UNFINISHED_LIMIT_BYTES = 128 * 1024 * 1024;

/** The calls that stay open until somebody ends them; at shutdown the node does. */
export class OpenCalls {
  readonly #sinks = new Set<CallSink>();
  readonly unfinished = new MemoryBudget(UNFINISHED_LIMIT_BYTES);
  readonly #unsent = new MemoryBudget(UNSENT_LIMIT_BYTES);
  #closing = false;

  /** The answering side of a new call. */
  add(call: ConstructorParameters<typeof CallSink>[0]): CallSink {
    const sink = new CallSink(call, this.#unsent);
    if (this.#closing) {
      sink.fail(shuttingDown());
      return sink;
    }
    this.#sinks.add(sink);
    sink.onClose(() => this.#sinks.delete(sink));
    return sink;
  }

  /** Ends every open call with UNAVAILABLE, which tells clients to connect again. */
  endAll(): void {
    this.#closing = true;
    for (const sink of [...this.#sinks]) sink.fail(shuttingDown());
  }
}
