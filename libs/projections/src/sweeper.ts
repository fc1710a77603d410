import type { ReaderLog } from './event-reader.js';
import { pause } from './reader-lease.js';

export interface Sweep<Item> {
  /** For the log. */
  readonly name: string;
  /** Between the end of a sweep and the beginning of the next. */
  readonly everyMs: number;
  /**
   * Before the first sweep, and before the one after a sweep that could not even find out what is due: who was cut off
   * together with this process gets the time to come back and say what happened. Left out: 0.
   */
  readonly settleMs?: number;
  /** What is due, the most urgent first; bounded, the next sweep finds the rest. */
  due(now: Date): Promise<readonly Item[]>;
  /** Must be idempotent: other replicas sweep, too, and a read model may still show what has been handled. */
  handle(item: Item, now: Date): Promise<unknown>;
  /** Names an item in the log. */
  describe(item: Item): string;
}

/**
 * Finds what is due and handles it, again and again until it is stopped. Nothing is remembered: what is due comes from
 * a table, so whatever fell due while everything was down is found at the first sweep.
 */
export class Sweeper<Item> {
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** Why what is still due was not handled, so that the same is not said again at each sweep. */
  #failures: ReadonlyMap<string, string> = new Map();
  #fault: string | null = null;

  constructor(
    private readonly options: Sweep<Item>,
    private readonly log: Pick<ReaderLog, 'warn'>,
  ) {}

  start(): void {
    this.#running = this.#sweepForever();
  }

  /** Begins nothing more; resolves when the item in hand is handled. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** One sweep. @throws when it cannot be found out what is due; an item that fails is due again at the next sweep */
  async sweep(now: Date): Promise<void> {
    const failures = new Map<string, string>();
    for (const item of await this.options.due(now)) {
      if (this.#stopping.signal.aborted) return;
      try {
        await this.options.handle(item, now);
      } catch (error) {
        // One that cannot be handled must not keep the others from their turn.
        const [which, why] = [this.options.describe(item), String(error)];
        failures.set(which, why);
        if (this.#failures.get(which) !== why) this.log.warn(`${this.options.name}: ${which} is tried again: ${why}`);
      }
    }
    this.#failures = failures;
  }

  async #sweepForever(): Promise<void> {
    const { name, everyMs, settleMs = 0 } = this.options;
    const { signal } = this.#stopping;
    await pause(settleMs, signal);
    while (!signal.aborted) {
      const fault = await this.sweep(new Date()).then(() => null, String);
      if (fault !== null && fault !== this.#fault) this.log.warn(`${name} could not sweep and tries again: ${fault}`);
      this.#fault = fault;
      await pause(fault === null ? everyMs : Math.max(everyMs, settleMs), signal);
    }
  }
}
