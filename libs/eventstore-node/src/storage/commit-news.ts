import type { LogRecord } from './record.js';

type Wake = () => void;

/** Tells waiting readers that the log, or one stream, has grown. Readers then read; nothing is handed over here. */
export class CommitNews {
  readonly #all = new Set<Wake>();
  readonly #byStream = new Map<string, Set<Wake>>();

  /** @returns a function that ends the listening */
  onAny(wake: Wake): () => void {
    this.#all.add(wake);
    return () => {
      this.#all.delete(wake);
    };
  }

  /** @returns a function that ends the listening */
  onStream(stream: string, wake: Wake): () => void {
    const listeners = this.#byStream.get(stream) ?? new Set<Wake>();
    listeners.add(wake);
    this.#byStream.set(stream, listeners);
    return () => {
      listeners.delete(wake);
      if (listeners.size === 0 && this.#byStream.get(stream) === listeners) this.#byStream.delete(stream);
    };
  }

  tell(records: readonly LogRecord[]): void {
    if (this.#byStream.size > 0) {
      for (const stream of new Set(records.map((record) => record.stream))) {
        for (const wake of [...(this.#byStream.get(stream) ?? [])]) wake();
      }
    }
    for (const wake of [...this.#all]) wake();
  }
}
