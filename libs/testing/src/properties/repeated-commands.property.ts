import { expect } from 'vitest';
import {
  type Aggregate,
  type CommandContext,
  DomainError,
  type DomainEvent,
  type Handled,
  type PersistedEvent,
  handleCommand,
  streamNameOf,
} from '#libs/eventsourcing';
import { exampleContext } from '../example-context.js';
import { InMemoryEventStore } from '../in-memory-event-store.js';

interface Accepted<State, Command, Event> {
  readonly command: Command;
  readonly context: CommandContext;
  readonly handled: Handled<State, Event>;
}

interface Recording<State, Command, Event> {
  readonly persisted: readonly PersistedEvent[];
  /** Commands that recorded something. */
  readonly accepted: readonly Accepted<State, Command, Event>[];
}

const ID = 'f3b1d7c4-2f0b-4a51-9a0e-3c5d7e9f1b20';
const FIRST_MOMENT = Date.parse('2026-03-01T10:00:00.000Z');
const STEP_MS = 1_000;

/** The context of the n-th command of a property: one command per second, each with an id of its own. */
export const nthContext = (index: number): CommandContext =>
  exampleContext({
    commandId: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    now: new Date(FIRST_MOMENT + index * STEP_MS).toISOString(),
  });

/**
 * Handles commands one after another on a stream in memory; refused ones leave no trace.
 * @param afterEach is called with each accepted command
 */
export const recordCommands = async <State, Command, Event extends DomainEvent>(
  aggregate: Aggregate<State, Command, Event>,
  commands: readonly Command[],
  afterEach: (accepted: Accepted<State, Command, Event>, store: InMemoryEventStore) => Promise<void> = async () =>
    undefined,
): Promise<Recording<State, Command, Event>> => {
  const store = new InMemoryEventStore();
  const accepted: Accepted<State, Command, Event>[] = [];
  for (const [index, command] of commands.entries()) {
    const context = nthContext(index);
    const handled = await handleCommand(store, aggregate, ID, command, context).catch((error: unknown) => {
      if (error instanceof DomainError) return null;
      throw error;
    });
    if (handled === null || handled.events.length === 0) continue;
    const one = { command, context, handled };
    accepted.push(one);
    await afterEach(one, store);
  }
  return { persisted: await store.readStream(streamNameOf(aggregate, ID)), accepted };
};

/** Everything is delivered at least once: a command that comes again, soon or late, must change nothing. */
export const expectRepeatsToChangeNothing = async <State, Command, Event extends DomainEvent>(
  aggregate: Aggregate<State, Command, Event>,
  commands: readonly Command[],
): Promise<void> => {
  const once = await recordCommands(aggregate, commands);
  const seen: Accepted<State, Command, Event>[] = [];
  const repeated = await recordCommands(aggregate, commands, async (one, store) => {
    seen.push(one);
    for (const { command, context, handled } of [one, ...seen.slice(0, 1)]) {
      const again = await handleCommand(store, aggregate, ID, command, { ...context, now: nthContext(999_999).now });
      expect(again).toMatchObject({ events: handled.events, position: handled.position });
    }
  });
  expect(repeated.persisted).toEqual(once.persisted);
};
