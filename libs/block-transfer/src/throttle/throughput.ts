/** Of the last so many intervals. */
const KEPT_INTERVALS = 10;
/** With less time at work there is nothing to tell from. */
const MIN_BUSY_MS = 20;

interface Sums {
  readonly bytes: number;
  readonly busyMs: number;
  readonly spanMs: number;
}

/**
 * How fast something works while it works: bytes over the time in which at least one piece of work was in flight. What
 * it could do, as against what it is given to do. Pure.
 */
export class Throughput {
  readonly #past: Sums[] = [];
  #bytes = 0;
  #busyMs = 0;
  #inFlight = 0;
  #atMs: number;
  #beganMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
    this.#beganMs = nowMs;
  }

  begin(nowMs: number): void {
    this.#pass(nowMs);
    this.#inFlight += 1;
  }

  /** @param bytes what was done; 0 when it failed */
  end(bytes: number, nowMs: number): void {
    this.#pass(nowMs);
    this.#inFlight -= 1;
    this.#bytes += bytes;
  }

  /** An interval is over. */
  roll(nowMs: number): void {
    this.#pass(nowMs);
    this.#past.push({ bytes: this.#bytes, busyMs: this.#busyMs, spanMs: nowMs - this.#beganMs });
    if (this.#past.length > KEPT_INTERVALS) this.#past.shift();
    this.#bytes = 0;
    this.#busyMs = 0;
    this.#beganMs = nowMs;
  }

  /** While it works; null: not known yet. */
  capacityBytesPerSecond(nowMs: number): number | null {
    const { bytes, busyMs } = this.#sum(nowMs);
    return busyMs < MIN_BUSY_MS || bytes === 0 ? null : (bytes * 1000) / busyMs;
  }

  /** Over all time. */
  bytesPerSecond(nowMs: number): number {
    const { bytes, spanMs } = this.#sum(nowMs);
    return spanMs <= 0 ? 0 : (bytes * 1000) / spanMs;
  }

  #sum(nowMs: number): Sums {
    this.#pass(nowMs);
    const current = { bytes: this.#bytes, busyMs: this.#busyMs, spanMs: nowMs - this.#beganMs };
    return this.#past.reduce(
      (sum, { bytes, busyMs, spanMs }) => ({
        bytes: sum.bytes + bytes,
        busyMs: sum.busyMs + busyMs,
        spanMs: sum.spanMs + spanMs,
      }),
      current,
    );
  }

  #pass(nowMs: number): void {
    if (this.#inFlight > 0) this.#busyMs += Math.max(0, nowMs - this.#atMs);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }
}
