import { expect } from 'vitest';
import { type CommandContext, type Decider, DomainError, type DomainEvent } from '#libs/eventsourcing';
import { deepFreeze } from './deep-freeze.js';
import { exampleContext } from './example-context.js';

/** What a decision led to, to be compared with what it should have led to. */
export interface Decided<State, Event extends DomainEvent> {
  /** The decided events. @throws DomainError when the command was refused */
  readonly events: readonly Event[];
  /** The state after them. @throws DomainError when the command was refused */
  readonly state: State;
  then(expected: readonly Event[]): void;
  thenNothing(): void;
  thenRefused(code: string): void;
}

export interface Given<State, Command, Event extends DomainEvent> {
  /** The state that the events led to. */
  readonly state: State;
  when(command: Command, context?: Partial<CommandContext>): Decided<State, Event>;
}

/**
 * Specifies a decider by example: given a history, when a command comes, then these events follow. Values are deeply
 * frozen on the way, so a decision that changes its input fails.
 */
export class DeciderSpec<State, Command, Event extends DomainEvent> {
  private constructor(private readonly decider: Decider<State, Command, Event>) {}

  static of<State, Command, Event extends DomainEvent>(
    decider: Decider<State, Command, Event>,
  ): DeciderSpec<State, Command, Event> {
    return new DeciderSpec(decider);
  }

  given(history: readonly Event[]): Given<State, Command, Event> {
    const state = this.#evolve(deepFreeze(this.decider.initialState), history);
    return {
      state,
      when: (command, overrides = {}) => {
        const context = deepFreeze(exampleContext(overrides));
        return this.#decided(
          state,
          outcomeOf(() => this.decider.decide(deepFreeze(command), state, context)),
        );
      },
    };
  }

  #evolve(from: State, events: readonly Event[]): State {
    return events.reduce((state, event) => deepFreeze(this.decider.evolve(state, deepFreeze(event))), from);
  }

  #decided(before: State, outcome: Outcome<Event>): Decided<State, Event> {
    const eventsOf = (): readonly Event[] => {
      if (outcome.refusal !== null) throw outcome.refusal;
      return outcome.events;
    };
    const evolve = (): State => this.#evolve(before, eventsOf());
    return {
      get events() {
        return eventsOf();
      },
      get state() {
        return evolve();
      },
      then: (expected) => {
        expect(eventsOf()).toEqual(expected);
        evolve();
      },
      thenNothing: () => expect(eventsOf()).toEqual([]),
      thenRefused: (code) => {
        expect(outcome.refusal?.code ?? outcome.events).toBe(code);
        expect(outcome.refusal?.remedy).toMatch(/\.$/);
      },
    };
  }
}

type Outcome<Event> =
  | { readonly refusal: null; readonly events: readonly Event[] }
  | { readonly refusal: DomainError; readonly events: readonly Event[] };

const outcomeOf = <Event>(decide: () => readonly Event[]): Outcome<Event> => {
  try {
    return { refusal: null, events: decide() };
  } catch (error) {
    if (error instanceof DomainError) return { refusal: error, events: [] };
    throw error;
  }
};
