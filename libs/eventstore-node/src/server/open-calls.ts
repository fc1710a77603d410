import { CallSink } from './call-sink.js';
import { MemoryBudget } from './memory-budget.js';
import { shuttingDown, type CallError } from './call-errors.js';

/** Bytes that all calls together may have under way to clients, and in requests that are not complete. */
const UNSENT_LIMIT_BYTES = 64 * 1024 * 1024;
const UNFINISHED_LIMIT_BYTES = 128 * 1024 * 1024;

/** The calls that stay open until somebody ends them; at shutdown the node does. */
export class OpenCalls {
  readonly #sinks = new Set<CallSink>();
  readonly #requests = new Set<(error: CallError) => void>();
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

  /**
   * Registers a request that its caller has not finished sending, and may never finish.
   *
   * @param refuse called when the node shuts down before that
   * @returns to be called when the request is complete or given up
   */
  receiving(refuse: (error: CallError) => void): () => void {
    if (this.#closing) {
      refuse(shuttingDown());
      return () => undefined;
    }
    this.#requests.add(refuse);
    return () => {
      this.#requests.delete(refuse);
    };
  }

  /** Ends every open call with UNAVAILABLE, which tells clients to connect again. */
  endAll(): void {
    this.#closing = true;
    for (const refuse of [...this.#requests]) refuse(shuttingDown());
    for (const sink of [...this.#sinks]) sink.fail(shuttingDown());
  }
}
