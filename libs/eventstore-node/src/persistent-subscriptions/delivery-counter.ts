/** Latencies kept for the distribution; older ones are overwritten. */
const LATENCIES_KEPT = 1_000;

const QUANTILES: readonly (readonly [name: string, quantile: number])[] = [
  ['Quintile 1', 0.2],
  ['Quintile 2', 0.4],
  ['Quintile 3', 0.6],
  ['Quintile 4', 0.8],
  ['Quintile 5', 1],
  ['90%', 0.9],
  ['95%', 0.95],
  ['99%', 0.99],
  ['99.5%', 0.995],
  ['99.9%', 0.999],
  ['Highest', 1],
];

/** Counts deliveries, in all and since somebody last asked, and how long they took to be settled. */
export class DeliveryCounter {
  total = 0;
  #sinceMeasured = 0;
  #measuredMs: number | undefined;
  readonly #latenciesMs: number[] = [];
  #next = 0;

  delivered(): void {
    this.total += 1;
    this.#sinceMeasured += 1;
  }

  settled(latencyMs: number): void {
    this.#latenciesMs[this.#next] = latencyMs;
    this.#next = (this.#next + 1) % LATENCIES_KEPT;
  }

  /** Deliveries since the last call of this, and per second. */
  measure(nowMs: number): { count: number; perSecond: number } {
    const count = this.#sinceMeasured;
    const seconds = this.#measuredMs === undefined ? 1 : (nowMs - this.#measuredMs) / 1000;
    this.#sinceMeasured = 0;
    this.#measuredMs = nowMs;
    return { count, perSecond: seconds <= 0 ? count : Math.round(count / seconds) };
  }

  /** The distribution of the latencies, in milliseconds, under the names of the real server. */
  latencies(): { name: string; valueMs: number }[] {
    const sorted = [...this.#latenciesMs].sort((a, b) => a - b);
    if (sorted.length === 0) return [];
    const at = (quantile: number): number =>
      Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(quantile * sorted.length) - 1)] ?? 0);
    const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
    return [
      { name: 'Mean', valueMs: Math.round(mean) },
      { name: 'Median', valueMs: at(0.5) },
      { name: 'Fastest', valueMs: Math.round(sorted[0] ?? 0) },
      ...QUANTILES.map(([name, quantile]) => ({ name, valueMs: at(quantile) })),
    ];
  }
}
