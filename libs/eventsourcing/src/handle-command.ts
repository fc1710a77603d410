import type { EventCodec } from './codec.js';
import { type CommandContext, metadataOf } from './command.js';
import { type Decider, fold } from './decider.js';
import { RevisionConflict } from './errors.js';
import type { DomainEvent } from './event.js';
import { eventIdOf } from './ids.js';
import type { EventStore, PersistedEvent } from './ports.js';

/** How often a command is decided anew after another one was faster. */
const MAX_ATTEMPTS = 4;

export interface Aggregate<State, Command, Event extends DomainEvent> {
  /** First part of the stream's name, before the first `-`. */
  readonly category: string;
  /** Name of the service that owns the streams; recorded as `producer`. */
  readonly producer: string;
  readonly codec: EventCodec<Event>;
  readonly decider: Decider<State, Command, Event>;
}

export interface Handled<State, Event> {
  readonly state: State;
  /** What this command recorded, now or when it was handled before. */
  readonly events: readonly Event[];
  /** Position of the last event of this command; null when it recorded nothing. */
  readonly position: bigint | null;
}

export const streamNameOf = (aggregate: { readonly category: string }, id: string): string =>
  `${aggregate.category}-${id}`;

export interface LoadedStream<State, Event> {
  readonly state: State;
  readonly revision: bigint | 'no-stream';
  readonly persisted: readonly PersistedEvent[];
  readonly events: readonly Event[];
}

/** Reads a stream and folds it. */
export const load = async <State, Command, Event extends DomainEvent>(
  store: Pick<EventStore, 'readStream'>,
  aggregate: Aggregate<State, Command, Event>,
  id: string,
): Promise<LoadedStream<State, Event>> => {
  const persisted = await store.readStream(streamNameOf(aggregate, id));
  const events = persisted.flatMap((stored) => aggregate.codec.decode(stored) ?? []);
  return {
    state: fold(aggregate.decider, events),
    revision: persisted.at(-1)?.revision ?? 'no-stream',
    persisted,
    events,
  };
};

/**
 * Load, decide, append with the exact expected revision; on a conflict from the load on, a bounded number of times.
 * A command that was handled before is answered with what it recorded then.
 * @throws DomainError when the decider refuses; RevisionConflict when others were faster each time
 */
export const handleCommand = async <State, Command, Event extends DomainEvent>(
  store: Pick<EventStore, 'readStream' | 'append'>,
  aggregate: Aggregate<State, Command, Event>,
  id: string,
  command: Command,
  context: CommandContext,
): Promise<Handled<State, Event>> => {
  for (let attempt = 1; ; attempt += 1) {
    const loaded = await load(store, aggregate, id);
    const earlier = loaded.persisted.filter((stored) => stored.metadata.commandId === context.commandId);
    if (earlier.length > 0) {
      const events = earlier.flatMap((stored) => aggregate.codec.decode(stored) ?? []);
      return { state: loaded.state, events, position: earlier.at(-1)?.position ?? null };
    }
    const events = aggregate.decider.decide(command, loaded.state, context);
    if (events.length === 0) return { state: loaded.state, events, position: null };
    const metadata = metadataOf(context, aggregate.producer);
    try {
      const appended = await store.append(
        streamNameOf(aggregate, id),
        loaded.revision,
        events.map((event, index) => ({
          id: eventIdOf(context.commandId, index),
          ...aggregate.codec.encode(event),
          metadata,
        })),
      );
      return { state: events.reduce(aggregate.decider.evolve, loaded.state), events, position: appended.position };
    } catch (error) {
      if (error instanceof RevisionConflict && attempt < MAX_ATTEMPTS) continue;
      throw error;
    }
  }
};
