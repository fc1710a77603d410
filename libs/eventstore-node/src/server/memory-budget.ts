/** Somebody who makes the node hold bytes: a call with unread answers or with an unfinished request. */
export interface Holder {
  /** Ends the call and frees what it holds. */
  evict(): void;
}

interface Holding {
  bytes: number;
  /** When it last took or gave back anything. */
  movedAt: number;
}

/**
 * Bounds what all calls together make the node hold. While there is room nobody notices; when there is none, the
 * calls that have not moved for longest are ended, so that those who hold without moving cannot starve the others.
 */
export class MemoryBudget {
  readonly #limitBytes: number;
  readonly #holdings = new Map<Holder, Holding>();
  #heldBytes = 0;
  #clock = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  hold(holder: Holder, bytes: number): void {
    this.#clock += 1;
    this.#heldBytes += bytes;
    const holding = this.#holdings.get(holder);
    if (holding === undefined) this.#holdings.set(holder, { bytes, movedAt: this.#clock });
    else {
      holding.bytes += bytes;
      holding.movedAt = this.#clock;
    }
    while (this.#heldBytes > this.#limitBytes) this.#evictIdlest();
  }

  release(holder: Holder, bytes: number): void {
    const holding = this.#holdings.get(holder);
    if (holding === undefined) return;
    this.#clock += 1;
    const freed = Math.min(bytes, holding.bytes);
    holding.bytes -= freed;
    holding.movedAt = this.#clock;
    this.#heldBytes -= freed;
    if (holding.bytes === 0) this.#holdings.delete(holder);
  }

  releaseAll(holder: Holder): void {
    const holding = this.#holdings.get(holder);
    if (holding === undefined) return;
    this.#holdings.delete(holder);
    this.#heldBytes -= holding.bytes;
  }

  #evictIdlest(): void {
    let idlest: Holder | undefined;
    let movedAt = Infinity;
    for (const [holder, holding] of this.#holdings) {
      if (holding.movedAt >= movedAt) continue;
      idlest = holder;
      movedAt = holding.movedAt;
    }
    if (idlest === undefined) return;
    this.releaseAll(idlest);
    idlest.evict();
  }
}
