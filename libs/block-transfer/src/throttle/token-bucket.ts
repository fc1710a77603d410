const MIB = 1024 * 1024;
/**
 * Grants come in quanta of what passes in this time: a process that wakes up finds its caches cold, and that costs it
 * more than a request does.
 */
const QUANTUM_MS = 120;
/** A quantum is no more than this, two requests of a round, so that others on a link of 1 Gbps wait for 36 ms at most. */
const MOST_QUANTUM_BYTES = 4.25 * MIB;
/** Timers are no finer than a millisecond, and may be late by this much without a loss of rate, at high rates too. */
const LATE_MS = 20;
/** So much fits into a quantum at any rate: a request of 2 MiB, with what the wire adds to it. */
export const MOST_BYTES_AT_ONCE = 2.25 * MIB;

/**
 * Bytes over time. In any window of time no more passes than the rate allows in it, and one burst. Pure: every call
 * says what time it is, in milliseconds of a clock that never goes back.
 */
export class TokenBucket {
  #bytesPerSecond: number | null;
  #tokens = 0;
  #atMs: number;

  /** @param bytesPerSecond null: unlimited */
  constructor(bytesPerSecond: number | null, nowMs: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#atMs = nowMs;
  }

  get bytesPerSecond(): number | null {
    return this.#bytesPerSecond;
  }

  /** What is waited for, so that waiting is done in few steps. */
  get quantumBytes(): number {
    const wanted = Math.min(MOST_QUANTUM_BYTES, this.#in(QUANTUM_MS));
    return Math.max(MOST_BYTES_AT_ONCE, wanted, this.#in(LATE_MS));
  }

  /** The most that {@link tryTake} can ever give at once. */
  get burstBytes(): number {
    return this.quantumBytes + this.#in(LATE_MS);
  }

  /** From now on. Time that has passed counts at the old rate; an unlimited past leaves nothing behind. */
  adjust(bytesPerSecond: number | null, nowMs: number): void {
    this.#accrue(nowMs);
    if (this.#bytesPerSecond === null) this.#tokens = 0;
    this.#bytesPerSecond = bytesPerSecond;
    this.#tokens = Math.min(this.#tokens, this.burstBytes);
  }

  /** @param bytes at most {@link burstBytes}, which is never below {@link MOST_BYTES_AT_ONCE} */
  tryTake(bytes: number, nowMs: number): boolean {
    this.#accrue(nowMs);
    if (this.#bytesPerSecond === null) return true;
    if (bytes > this.burstBytes) throw new RangeError(`${bytes} bytes are more than the burst of ${this.burstBytes}`);
    if (bytes > this.#tokens) return false;
    this.#tokens -= bytes;
    return true;
  }

  /** Until so much could be taken, if nobody else took any. */
  msUntil(bytes: number, nowMs: number): number {
    this.#accrue(nowMs);
    if (this.#bytesPerSecond === null || bytes <= this.#tokens) return 0;
    return ((bytes - this.#tokens) / this.#bytesPerSecond) * 1000;
  }

  #in(spanMs: number): number {
    return ((this.#bytesPerSecond ?? 0) * spanMs) / 1000;
  }

  #accrue(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = Math.max(this.#atMs, nowMs);
    if (this.#bytesPerSecond === null) return;
    this.#tokens = Math.min(this.burstBytes, this.#tokens + (passedMs * this.#bytesPerSecond) / 1000);
  }
}
