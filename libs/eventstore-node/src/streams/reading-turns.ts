import { setImmediate as nextIteration } from 'node:timers/promises';

/** Time that reading may take of one iteration of the event loop. */
const SLICE_MS = 8;

/**
 * Makes readers take turns. Thousands of them may want a page at the same moment; without this, appends and everybody
 * else would wait until each had one.
 */
export class ReadingTurns {
  readonly #queue: (() => void)[] = [];
  #iterationStartedMs: number | undefined;
  #running = false;

  /** Settles when the caller may read one page. */
  next(): Promise<void> {
    if (this.#queue.length === 0 && this.#hasTime()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#queue.push(resolve);
      if (!this.#running) void this.#run();
    });
  }

  #hasTime(): boolean {
    if (this.#iterationStartedMs === undefined) {
      this.#iterationStartedMs = performance.now();
      setImmediate(() => {
        this.#iterationStartedMs = undefined;
      });
    }
    return performance.now() - this.#iterationStartedMs < SLICE_MS;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#queue.length > 0) {
      await nextIteration();
      const startedMs = performance.now();
      while (performance.now() - startedMs < SLICE_MS) {
        const resolve = this.#queue.shift();
        if (resolve === undefined) break;
        resolve();
        // The reader that was let go runs before this goes on.
        await Promise.resolve();
        await Promise.resolve();
      }
    }
    this.#running = false;
  }
}
