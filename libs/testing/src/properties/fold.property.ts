import { expect } from 'vitest';
import { type Decider, type DomainEvent, fold } from '#libs/eventsourcing';
import { deepFreeze } from '../deep-freeze.js';

/**
 * A read model folds event by event and keeps the state as JSON in between; a command handler folds the whole history
 * at once. Both must arrive at the same state, without changing anything they were given.
 */
export const expectFoldToSurviveTheReadModel = <State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  history: readonly Event[],
): void => {
  let row = decider.initialState;
  history.forEach((event, index) => {
    row = throughJson(decider.evolve(deepFreeze(row), deepFreeze(event)));
    expect(row).toStrictEqual(fold(decider, history.slice(0, index + 1)));
  });
};

/** What Postgres gives back of a document. */
const throughJson = <State>(state: State): State => JSON.parse(JSON.stringify(state)) as State;
