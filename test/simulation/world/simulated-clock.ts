/** When every simulated world begins. */
const BEGINNING_MS = Date.UTC(2026, 0, 5, 8);

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

interface Alarm {
  readonly atMs: number;
  /** Alarms of the same moment go off in the order in which they were set. */
  readonly number: number;
  readonly action: () => void;
  isOff: boolean;
}

const isBefore = (a: Alarm, b: Alarm): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number);

/** Everything that promises have to do by now is done when this resolves. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Time as a queue of alarms: it stands still while anything happens, and leaps to the next alarm when nothing does.
 * Times are milliseconds since 1970, as the real clock's.
 */
export class SimulatedClock {
  #nowMs = BEGINNING_MS;
  #numbers = 0;
  /** A binary heap. */
  readonly #alarms: Alarm[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  /** ISO 8601 in UTC. */
  get now(): string {
    return new Date(this.#nowMs).toISOString();
  }

  get elapsedMs(): number {
    return this.#nowMs - BEGINNING_MS;
  }

  /** @returns takes the alarm back */
  at(atMs: number, action: () => void): () => void {
    const alarm: Alarm = { atMs: Math.max(atMs, this.#nowMs), number: (this.#numbers += 1), action, isOff: false };
    this.#push(alarm);
    return () => (alarm.isOff = true);
  }

  after(delayMs: number, action: () => void): () => void {
    return this.at(this.#nowMs + delayMs, action);
  }

  /** Lets time pass until a moment (alarms of that moment included), or until `isDone` says so, or nothing is left to happen. */
  async passUntil(untilMs: number, isDone: () => boolean = () => false): Promise<void> {
    await settled();
    while (!isDone()) {
      const next = this.#alarms[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#pop();
      if (next.isOff) continue;
      this.#nowMs = next.atMs;
      next.action();
      await settled();
    }
    if (!isDone()) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #push(alarm: Alarm): void {
    const heap = this.#alarms;
    let index = heap.length;
    heap.push(alarm);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent]!;
      if (isBefore(above, alarm)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = alarm;
  }

  #pop(): void {
    const heap = this.#alarms;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (isBefore(last, heap[child]!)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}
