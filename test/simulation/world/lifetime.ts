import type { SimulatedClock } from './simulated-clock.js';

/**
 * The life of a process, or of a piece of its work. Whoever waits in it does not wake up any more once it is over: so
 * a process that was killed leaves off in the middle, wherever it was, and cleans nothing up.
 */
export class Lifetime {
  #isOver = false;
  readonly #atEnd = new Set<() => void>();

  constructor(
    readonly clock: SimulatedClock,
    within?: Lifetime,
  ) {
    if (within === undefined) return;
    if (within.isOver) this.#isOver = true;
    const end = (): void => this.end();
    within.#atEnd.add(end);
    this.#atEnd.add(() => within.#atEnd.delete(end));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** A part of this life that may be over earlier. */
  part(): Lifetime {
    return new Lifetime(this.clock, this);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const actions = [...this.#atEnd];
    this.#atEnd.clear();
    for (const action of actions) action();
  }

  onEnd(action: () => void): void {
    if (this.#isOver) action();
    else this.#atEnd.add(action);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  after(delayMs: number, action: () => void): () => void {
    return this.clock.after(delayMs, () => {
      if (!this.#isOver) action();
    });
  }

  /** What comes out of something outside, as long as there is somebody to hear it. */
  hear<T>(outcome: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      outcome.then(
        (value) => {
          if (!this.#isOver) resolve(value);
        },
        (error: unknown) => {
          if (!this.#isOver) reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }
}
