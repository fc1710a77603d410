/** How far everything is settled. */
export interface Progress {
  /** The highest place up to which all is settled; undefined when nothing is yet. */
  readonly place: number | undefined;
  /** How many places that are, counted since the group started. */
  readonly count: number;
}

/**
 * Where a group may put its checkpoint. Places (revisions, or positions for `$all`) are read in growing order and
 * settled in any.
 */
export class UnsettledPlaces {
  /** Insertion order is reading order, so the first entry is the lowest place. */
  readonly #open = new Map<number, Progress>();
  #last: number | undefined;
  #count = 0;

  read(place: number): void {
    this.#open.set(place, { place: this.#last, count: this.#count });
    this.pass(place);
  }

  settle(place: number): void {
    this.#open.delete(place);
  }

  /** A place that needs no settling: the filter dropped everything up to it. */
  pass(place: number): void {
    this.#last = place;
    this.#count += 1;
  }

  progress(): Progress {
    const [lowest] = this.#open.values();
    return lowest ?? { place: this.#last, count: this.#count };
  }
}
