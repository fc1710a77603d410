/** Where an event was written. */
export interface WrittenAt {
  readonly stream: string;
  readonly revision: number;
}

/**
 * The ids written lately, for repeats of appends that name no revision. It is bounded, so for older events such a
 * repeat is a new append: only an exact expected revision makes repeating safe for ever.
 */
export class RecentEvents {
  readonly #limit: number;
  readonly #byId = new Map<string, WrittenAt>();
  /**
   * The same ids in the order of their writing, as a ring. A map alone knows that order, too, but finding its oldest
   * key means stepping over all that were deleted before it: that made each append three times as dear.
   */
  readonly #ring: string[] = [];
  #next = 0;

  /** @param limit most ids kept */
  constructor(limit: number) {
    this.#limit = limit;
  }

  find(id: string): WrittenAt | undefined {
    return this.#byId.get(id);
  }

  add(id: string, at: WrittenAt): void {
    const isKnown = this.#byId.has(id);
    this.#byId.set(id, at);
    if (isKnown) return;
    const oldest = this.#ring[this.#next];
    if (oldest !== undefined) this.#byId.delete(oldest);
    this.#ring[this.#next] = id;
    this.#next = (this.#next + 1) % this.#limit;
  }

  clear(): void {
    this.#byId.clear();
    this.#ring.length = 0;
    this.#next = 0;
  }
}
