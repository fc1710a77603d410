import type { DomainEvent, PersistedEvent } from '#libs/eventsourcing';
import type { CutoverState } from '../../../apps/cutover/src/cutover/domain/cutover.decider.js';
import type { MigrationTaskState } from '../../../apps/planning/src/migration-task/domain/migration-task.state.js';
import type { TargetVmState } from '../../../apps/provisioning/src/target-vm/domain/target-vm.state.js';
import type { ReplicationState } from '../../../apps/transfer/src/replication/domain/replication.state.js';
import { AGGREGATES, type AnyAggregate, cutovers, migrationTasks, replications, targetVms } from './aggregates.js';
import type { EventLog } from './event-log.js';

/** An event just recorded, and what it changed. */
export interface Fact {
  readonly persisted: PersistedEvent;
  readonly category: string;
  readonly id: string;
  /** null: of a technical stream, which no aggregate folds. */
  readonly event: DomainEvent | null;
  readonly before: unknown;
  readonly after: unknown;
}

const BY_CATEGORY: ReadonlyMap<string, AnyAggregate> = new Map(
  AGGREGATES.map((aggregate) => [aggregate.category, aggregate]),
);

/** Every stream as it is folded while it grows; for people and checkers, who see everything at once. */
export class LiveFolds {
  readonly #states = new Map<string, unknown>();
  #seen = 0;

  constructor(
    private readonly log: EventLog,
    private readonly onFact: (fact: Fact) => void,
  ) {
    log.onAppended(() => this.#follow());
  }

  get states(): Iterable<readonly [streamName: string, state: unknown]> {
    return this.#states;
  }

  task(taskId: string): NonNullable<MigrationTaskState> | null {
    return this.#stateOf<MigrationTaskState>(migrationTasks, taskId);
  }

  replication(taskId: string): NonNullable<ReplicationState> | null {
    return this.#stateOf<ReplicationState>(replications, taskId);
  }

  targetVm(targetVmId: string): NonNullable<TargetVmState> | null {
    return this.#stateOf<TargetVmState>(targetVms, targetVmId);
  }

  cutover(taskId: string): NonNullable<CutoverState> | null {
    return this.#stateOf<CutoverState>(cutovers, taskId);
  }

  #stateOf<State>({ category }: { readonly category: string }, id: string): NonNullable<State> | null {
    return (this.#states.get(`${category}-${id}`) ?? null) as NonNullable<State> | null;
  }

  #follow(): void {
    const { all } = this.log;
    while (this.#seen < all.length) {
      const persisted = all[this.#seen]!;
      this.#seen += 1;
      const { streamName } = persisted;
      const category = streamName.slice(0, streamName.indexOf('-'));
      const aggregate = BY_CATEGORY.get(category);
      const event = aggregate?.codec.decode(persisted) ?? null;
      const before = this.#states.get(streamName) ?? aggregate?.decider.initialState;
      const after = aggregate === undefined || event === null ? before : aggregate.decider.evolve(before, event);
      if (aggregate !== undefined) this.#states.set(streamName, after);
      this.onFact({ persisted, category, id: streamName.slice(category.length + 1), event, before, after });
    }
  }
}
