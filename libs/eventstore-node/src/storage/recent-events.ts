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

  /** @param limit most ids kept */
  constructor(limit: number) {
    this.#limit = limit;
  }

  find(id: string): WrittenAt | undefined {
    return this.#byId.get(id);
  }

  add(id: string, at: WrittenAt): void {
    this.#byId.delete(id);
    this.#byId.set(id, at);
    if (this.#byId.size <= this.#limit) return;
    const oldest = this.#byId.keys().next();
    if (!oldest.done) this.#byId.delete(oldest.value);
  }

  clear(): void {
    this.#byId.clear();
  }
}
