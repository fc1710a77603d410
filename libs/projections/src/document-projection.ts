import type { EntityManager } from 'typeorm';
import { type Aggregate, type DomainEvent, type PersistedEvent } from '#libs/eventsourcing';
import type { Projection } from './event-reader.js';

/**
 * What an endpoint reports may hold characters that `jsonb` refuses: NUL and half surrogate pairs. They are shown as
 * the replacement character; a projection never stumbles over a recorded event.
 */
const toJsonb = (state: unknown): string =>
  JSON.stringify(state, (_key, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed().replaceAll('\u0000', '\ufffd') : value,
  );

/**
 * A read model that holds the folded state of each stream as a document, with columns beside it to look it up by.
 * The aggregate's own `evolve` makes it, so the row always equals the fold of the stream.
 *
 * The table has at least `id text primary key`, `state jsonb`, `revision bigint`, `position numeric`, `changed_at`.
 */
export const documentProjection = <State, Event extends DomainEvent>(options: {
  readonly name: string;
  readonly table: string;
  readonly aggregate: Aggregate<State, never, Event>;
  /** Values of the columns beside the document. */
  readonly columns: (state: State) => Readonly<Record<string, string | boolean | null>>;
}): Projection => {
  const { aggregate, table } = options;
  const prefix = `${aggregate.category}-`;
  return {
    kind: 'projection',
    name: options.name,
    prefixes: [prefix],
    tables: [table],
    apply: async (persisted: PersistedEvent, manager: EntityManager) => {
      const event = aggregate.codec.decode(persisted);
      if (event === null) return;
      const id = persisted.streamName.slice(prefix.length);
      const rows = await manager.query<{ state: State }[]>(`SELECT state FROM "${table}" WHERE id = $1`, [id]);
      const state = aggregate.decider.evolve(rows[0]?.state ?? aggregate.decider.initialState, event);
      const values = {
        id,
        state: toJsonb(state),
        revision: persisted.revision.toString(),
        position: persisted.position.toString(),
        changed_at: persisted.metadata.occurredAt,
        ...options.columns(state),
      };
      const names = Object.keys(values);
      const updates = names.filter((name) => name !== 'id').map((name) => `"${name}" = EXCLUDED."${name}"`);
      await manager.query(
        `INSERT INTO "${table}" (${names.map((name) => `"${name}"`).join(', ')})
         VALUES (${names.map((_name, index) => `$${index + 1}`).join(', ')})
         ON CONFLICT (id) DO UPDATE SET ${updates.join(', ')}`,
        Object.values(values),
      );
    },
  };
};
