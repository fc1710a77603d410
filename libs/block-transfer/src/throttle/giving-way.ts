/** Mean latencies of the requests that are not ours, in one interval; null: there were too few to tell. */
export interface OthersLatency {
  readonly readMs: number | null;
  readonly writeMs: number | null;
}

/** Times the usual latency, and at least this much more than it, is slow; anything between slow and calm is neither. */
const SLOW = { factor: 2, moreMs: 2 } as const;
const CALM = { factor: 1.5, moreMs: 1 } as const;
/** One slow interval may be chance, and so may a calm one. */
const SLOW_INTERVALS = 2;
const CALM_INTERVALS = 3;
const LESS = 0.5;
const MORE = 0.125;
/** A round always goes on, if slowly: no less than this part of the cap is left to it. */
export const LEAST_PART = 0.125;
/** The usual latency follows what is measured up by this much per interval, and down at once. */
const USUAL_RISE = 1.005;

/**
 * Decides which part of the storage cap is used while the source itself needs its disk: halved when the latency of the
 * source's own requests stays high, given back in eighths when it stays calm. Between the two thresholds nothing
 * changes, so that it does not swing. One call per interval and device; pure.
 */
export class GivingWay {
  #usual: { readMs: number | null; writeMs: number | null };
  #part = 1;
  #slowIntervals = 0;
  #calmIntervals = 0;

  /** @param usual what the device's latency was so far, since the machine was started */
  constructor(usual: OthersLatency = { readMs: null, writeMs: null }) {
    this.#usual = { ...usual };
  }

  /** Of the cap, from {@link LEAST_PART} to 1. */
  get part(): number {
    return this.#part;
  }

  observe(latency: OthersLatency): void {
    const isSlow = this.#exceeds(latency, SLOW);
    const isCalm = !isSlow && !this.#exceeds(latency, CALM);
    this.#slowIntervals = isSlow ? this.#slowIntervals + 1 : 0;
    this.#calmIntervals = isCalm ? this.#calmIntervals + 1 : 0;
    if (this.#slowIntervals >= SLOW_INTERVALS) {
      this.#part = Math.max(LEAST_PART, this.#part * LESS);
      this.#slowIntervals = 0;
    }
    if (this.#calmIntervals >= CALM_INTERVALS) {
      this.#part = Math.min(1, this.#part + MORE);
      this.#calmIntervals = 0;
    }
    this.#usual = {
      readMs: follow(this.#usual.readMs, latency.readMs),
      writeMs: follow(this.#usual.writeMs, latency.writeMs),
    };
  }

  #exceeds({ readMs, writeMs }: OthersLatency, limit: typeof SLOW | typeof CALM): boolean {
    const isAbove = (ms: number | null, usualMs: number | null): boolean =>
      ms !== null && usualMs !== null && ms > Math.max(usualMs * limit.factor, usualMs + limit.moreMs);
    return isAbove(readMs, this.#usual.readMs) || isAbove(writeMs, this.#usual.writeMs);
  }
}

const follow = (usualMs: number | null, ms: number | null): number | null =>
  ms === null || usualMs === null ? (usualMs ?? ms) : Math.min(ms, usualMs * USUAL_RISE);
