import type { DomainEvent } from '#libs/eventsourcing';
import type { Lifetime } from '../world/lifetime.js';
import type { ReadModel } from '../world/read-model.js';
import { Sweeper } from '../world/sweeper.js';

export interface Timers<State, Event extends DomainEvent> {
  readonly life: Lifetime;
  readonly readModel: ReadModel<State, Event>;
  readonly dueAtOf: (state: State) => string | null;
  readonly everyMs: number;
  readonly settleMs: number;
  /** A defect to be found: only what was opened since this process began is known. */
  readonly opensInMemory?: ((event: Event) => boolean) | null;
}

/** The rows of a read model that are due, and when the next of them is: a timer table, and what sweeps it. */
export class TimerTable<State, Event extends DomainEvent> {
  readonly #opened = new Set<string>();

  constructor(private readonly timers: Timers<State, Event>) {
    const { life, readModel, opensInMemory = null } = timers;
    if (opensInMemory === null) return;
    life.onEnd(readModel.onApplied((id, event) => opensInMemory(event) && this.#opened.add(id)));
  }

  /** As rows of the table, the most urgent first. */
  due(): readonly { readonly state: State }[] {
    const { now } = this.timers.life.clock;
    return this.#pending()
      .filter(({ dueAt }) => dueAt <= now)
      .sort((a, b) => (a.dueAt < b.dueAt ? -1 : 1));
  }

  sweeper(sweep: (now: Date) => Promise<void>): Sweeper {
    const { life, readModel, everyMs, settleMs } = this.timers;
    const worthwhileMs = (): number | null => {
      const dueMs = this.#pending().map(({ dueAt }) => Date.parse(dueAt));
      return dueMs.length === 0 ? null : Math.min(...dueMs);
    };
    return new Sweeper({ life, everyMs, settleMs, worthwhileMs, onChange: (wake) => readModel.onApplied(wake), sweep });
  }

  #pending(): { readonly state: State; readonly dueAt: string }[] {
    const { readModel, dueAtOf, opensInMemory = null } = this.timers;
    return [...readModel.rows].flatMap(([id, state]) => {
      const dueAt = dueAtOf(state);
      return dueAt === null || (opensInMemory !== null && !this.#opened.has(id)) ? [] : [{ state, dueAt }];
    });
  }
}
