/** Reads go on for their share of this time and rest for the remainder: long enough that resting costs no CPU. */
const CYCLE_MS = 100;
/** How many cycles' worth of busy time a device that was left alone may be given at once. */
const BURST_CYCLES = 2;
/**
 * What is kept back of the share. Reads in flight end when they end, which may be after the time is used up; with this
 * much in hand, any minute stays within the share also with the burst and the reads that overran.
 */
const KEPT_BACK = 0.05;
/** What is owed at most: a round must not stand still for minutes because one read took one. */
const MOST_OWED_MS = 15_000;

/**
 * Keeps the time in which a device works for us within a share of all time. A device is busy while at least one read of
 * ours is in flight; that is measured, and what was used too much is owed. Pure: every call says what time it is.
 */
export class BusyShare {
  #share: number | null;
  #creditMs = 0;
  #busyMs = 0;
  #inFlight = 0;
  #isResting = true;
  #atMs: number;

  /** @param share of the time, above 0 and up to 1; null: unlimited */
  constructor(share: number | null, nowMs: number) {
    this.#share = share;
    this.#atMs = nowMs;
  }

  get share(): number | null {
    return this.#share;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** How long the device has been busy for us, in all. */
  busyMs(nowMs: number): number {
    this.#pass(nowMs);
    return this.#busyMs;
  }

  /** From now on. What is owed stays owed; an unlimited past leaves no debt. */
  adjust(share: number | null, nowMs: number): void {
    this.#pass(nowMs);
    this.#share = share;
    this.#creditMs = Math.min(this.#creditMs, this.#burstMs);
  }

  mayBegin(nowMs: number): boolean {
    this.#pass(nowMs);
    if (this.#isUnlimited) return true;
    if (this.#creditMs <= 0) this.#isResting = true;
    if (this.#isResting && this.#creditMs >= this.#cycleMs) this.#isResting = false;
    return !this.#isResting;
  }

  /** Until a read may begin, if none is in flight meanwhile. */
  msUntilMayBegin(nowMs: number): number {
    if (this.mayBegin(nowMs)) return 0;
    return (this.#cycleMs - this.#creditMs) / this.#accrual;
  }

  begin(nowMs: number): void {
    this.#pass(nowMs);
    this.#inFlight += 1;
  }

  end(nowMs: number): void {
    this.#pass(nowMs);
    this.#inFlight -= 1;
  }

  get #isUnlimited(): boolean {
    return this.#share === null || this.#share >= 1;
  }

  /** Busy time that is earned per unit of time. */
  get #accrual(): number {
    return (this.#share ?? 1) * (1 - KEPT_BACK);
  }

  get #cycleMs(): number {
    return (this.#share ?? 1) * CYCLE_MS;
  }

  get #burstMs(): number {
    return BURST_CYCLES * this.#cycleMs;
  }

  #pass(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = Math.max(this.#atMs, nowMs);
    const busyMs = this.#inFlight > 0 ? passedMs : 0;
    this.#busyMs += busyMs;
    if (this.#isUnlimited) this.#creditMs = 0;
    else {
      const creditMs = this.#creditMs + passedMs * this.#accrual - busyMs;
      this.#creditMs = Math.max(-MOST_OWED_MS, Math.min(this.#burstMs, creditMs));
    }
  }
}
