const FIRST_ROOM = 1024;

/**
 * Ranges of whatever is counted, as numbers: 16 bytes each, where an object takes 80. Two columns, so that they are
 * brought into order without one: sorted by themselves, the n-th start and the n-th end bound ranges that together
 * cover what the ranges before covered.
 */
export class PackedRanges {
  #starts = new Float64Array(FIRST_ROOM);
  #ends = new Float64Array(FIRST_ROOM);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Infinite where there is none. */
  startOf(index: number): number {
    return (index < this.#count ? this.#starts[index] : undefined) ?? Number.POSITIVE_INFINITY;
  }

  /** Infinite where there is none. */
  endOf(index: number): number {
    return (index < this.#count ? this.#ends[index] : undefined) ?? Number.POSITIVE_INFINITY;
  }

  /** In any order. */
  add(start: number, end: number): void {
    if (this.#count === this.#starts.length) {
      this.#starts = twiceAsLong(this.#starts);
      this.#ends = twiceAsLong(this.#ends);
    }
    this.#starts[this.#count] = start;
    this.#ends[this.#count] = end;
    this.#count += 1;
  }

  /** Puts all of them in order, and makes one of those that touch or overlap. */
  merge(): void {
    this.#starts.subarray(0, this.#count).sort();
    this.#ends.subarray(0, this.#count).sort();
    let last = -1;
    for (let index = 0; index < this.#count; index += 1) {
      const start = this.startOf(index);
      if (last < 0 || start > this.endOf(last)) this.#starts[(last += 1)] = start;
      this.#ends[last] = this.endOf(index);
    }
    this.#count = last + 1;
  }

  lengths(): Float64Array {
    return Float64Array.from({ length: this.#count }, (_, index) => this.endOf(index) - this.startOf(index));
  }

  /** Puts another range, or none, in the place of each. */
  replace(by: (start: number, end: number) => readonly [start: number, end: number] | null): void {
    let kept = 0;
    for (let index = 0; index < this.#count; index += 1) {
      const range = by(this.startOf(index), this.endOf(index));
      if (range === null) continue;
      [this.#starts[kept], this.#ends[kept]] = range;
      kept += 1;
    }
    this.#count = kept;
  }

  /** The first one, of merged ones, that ends behind `start`. */
  firstEndingBehind(start: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.endOf(middle) <= start) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function twiceAsLong(column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const longer = new Float64Array(column.length * 2);
  longer.set(column);
  return longer;
}
