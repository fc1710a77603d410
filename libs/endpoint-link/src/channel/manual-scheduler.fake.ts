import type { Scheduler } from './scheduler.js';

interface Pending {
  readonly dueMs: number;
  readonly action: () => void;
}

/** A clock that moves only when told to; for tests. */
export class ManualScheduler implements Scheduler {
  readonly delaysMs: number[] = [];
  #nowMs = 0;
  #pending: Pending[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, action: () => void): () => void {
    const entry = { dueMs: this.#nowMs + delayMs, action };
    this.delaysMs.push(delayMs);
    this.#pending.push(entry);
    return () => {
      this.#pending = this.#pending.filter((other) => other !== entry);
    };
  }

  /** Moves the clock and runs, in order, what becomes due. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const due = this.#pending.filter((entry) => entry.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      this.#pending = this.#pending.filter((entry) => entry !== due);
      this.#nowMs = due.dueMs;
      due.action();
    }
    this.#nowMs = untilMs;
  }
}
