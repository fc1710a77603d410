import type { Aggregate, DomainEvent } from '#libs/eventsourcing';
import type { Subscriber } from './reader.js';

/**
 * What a document projection keeps in Postgres: the folded state of each stream. Row and position move together, so
 * each event is applied once; and it outlives the processes that read it.
 */
export class ReadModel<State, Event extends DomainEvent> {
  readonly #rows = new Map<string, { state: State; position: bigint }>();
  readonly #listeners = new Set<(id: string, event: Event) => void>();

  constructor(
    readonly name: string,
    private readonly aggregate: Aggregate<State, never, Event>,
  ) {}

  get rows(): Iterable<readonly [id: string, state: State]> {
    return [...this.#rows].map(([id, { state }]) => [id, state] as const);
  }

  stateOf(id: string): State | null {
    return this.#rows.get(id)?.state ?? null;
  }

  /** Up to where a row has been applied; -1: there is none. */
  positionOf(id: string): bigint {
    return this.#rows.get(id)?.position ?? -1n;
  }

  /** @returns takes the listener back */
  onApplied(listener: (id: string, event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  subscriber(): Subscriber {
    const prefix = `${this.aggregate.category}-`;
    return {
      name: this.name,
      prefixes: [prefix],
      handle: async (persisted) => {
        const event = this.aggregate.codec.decode(persisted);
        const id = persisted.streamName.slice(prefix.length);
        const row = this.#rows.get(id);
        if (event === null || (row !== undefined && row.position >= persisted.position)) return;
        const state = this.aggregate.decider.evolve(row?.state ?? this.aggregate.decider.initialState, event);
        this.#rows.set(id, { state, position: persisted.position });
        for (const listener of [...this.#listeners]) listener(id, event);
      },
    };
  }
}
