import type { CommandContext } from './command.js';
import type { DomainEvent } from './event.js';

/**
 * A decision as three pure pieces. `decide` returns the facts that follow, none when nothing is new,
 * and throws a {@link DomainError} when the command breaks a rule.
 */
export interface Decider<State, Command, Event extends DomainEvent> {
  readonly initialState: State;
  evolve(this: void, state: State, event: Event): State;
  decide(this: void, command: Command, state: State, context: CommandContext): readonly Event[];
}

export const fold = <State, Command, Event extends DomainEvent>(
  decider: Pick<Decider<State, Command, Event>, 'initialState' | 'evolve'>,
  events: Iterable<Event>,
): State => {
  let state = decider.initialState;
  for (const event of events) state = decider.evolve(state, event);
  return state;
};
