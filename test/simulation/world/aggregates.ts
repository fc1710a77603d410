import { migrationTasks } from '../../../apps/planning/src/migration-task/migration-task.aggregate.js';
import { hciSites } from '../../../apps/provisioning/src/hci-site/hci-site.aggregate.js';
import { targetVms } from '../../../apps/provisioning/src/target-vm/target-vm.aggregate.js';
import { endpoints } from '../../../apps/transfer/src/endpoint/endpoint.aggregate.js';
import { enrolmentTokens } from '../../../apps/transfer/src/enrolment/enrolment-token.aggregate.js';
import { replications } from '../../../apps/transfer/src/replication/replication.aggregate.js';
import { cutovers } from '../../../apps/cutover/src/cutover/cutover.aggregate.js';
import type { Aggregate, DomainEvent } from '#libs/eventsourcing';

export { cutovers, endpoints, enrolmentTokens, hciSites, migrationTasks, replications, targetVms };

/** Any of the product's aggregates, for whoever handles all of them alike. */
export type AnyAggregate = Aggregate<unknown, never, DomainEvent>;

export const AGGREGATES = [
  migrationTasks,
  hciSites,
  targetVms,
  endpoints,
  enrolmentTokens,
  replications,
  cutovers,
] as unknown as readonly AnyAggregate[];

/** As the product made them: for the checkers, which rebuild everything from what is stored. */
export const ORIGINALS: ReadonlyMap<string, AnyAggregate> = new Map(
  AGGREGATES.map((aggregate) => [aggregate.category, { ...aggregate }]),
);

type Changeable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * Streams are read and folded thousands of times in a run, which would be most of its cost. A stored event never
 * changes, so its decoded form is remembered; and after the same state it always leads to the same one, so that is
 * remembered, too. Whether this is right is checked at the end of each run, against what the stored events say anew.
 */
const remember = (aggregate: Changeable<AnyAggregate>): void => {
  const { codec, decider } = aggregate;
  const decoded = new WeakMap<object, DomainEvent | null>();
  const folded = new WeakMap<DomainEvent, { readonly before: unknown; readonly after: unknown }>();
  aggregate.codec = {
    ...codec,
    decode: (stored) => {
      const known = decoded.get(stored);
      if (known !== undefined) return known;
      const event = codec.decode(stored);
      decoded.set(stored, event);
      return event;
    },
  };
  aggregate.decider = {
    ...decider,
    evolve: (before, event) => {
      const known = folded.get(event);
      if (known !== undefined && known.before === before) return known.after;
      const after = decider.evolve(before, event);
      folded.set(event, { before, after });
      return after;
    },
  };
};

AGGREGATES.forEach(remember);

/** Puts another decider in the place of an aggregate's own while `work` runs; the product has no place for that. */
export const withDecider = async <State, Command, Event extends DomainEvent, T>(
  aggregate: Aggregate<State, Command, Event>,
  decorate: (own: Aggregate<State, Command, Event>['decider']) => Aggregate<State, Command, Event>['decider'],
  work: () => Promise<T>,
): Promise<T> => {
  const changeable: Changeable<Aggregate<State, Command, Event>> = aggregate;
  const own = aggregate.decider;
  changeable.decider = decorate(own);
  try {
    return await work();
  } finally {
    changeable.decider = own;
  }
};
