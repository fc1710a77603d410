import {
  type AppendResult,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
  type PersistedEvent,
  RevisionConflict,
  type Subscription,
  type SubscriptionHandler,
} from '#libs/eventsourcing';

/** Only what JSON can hold comes back from a store. */
const asStored = (event: NewEvent): NewEvent => ({
  id: event.id,
  storedType: event.storedType,
  data: JSON.parse(JSON.stringify(event.data)) as unknown,
  metadata: { ...event.metadata },
});

/**
 * The event store itself, in memory, with an index by stream: a run reads streams thousands of times. It never fails;
 * how services reach it, and fail to, is {@link StoreClient}'s affair. Passes the contract suite of the port.
 */
export class EventLog implements EventStore {
  readonly #log: PersistedEvent[] = [];
  readonly #streams = new Map<string, PersistedEvent[]>();
  readonly #maxCounts = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  /** Every event in log order. */
  get all(): readonly PersistedEvent[] {
    return this.#log;
  }

  get streamNames(): Iterable<string> {
    return this.#streams.keys();
  }

  /** Every event of a stream, also those that a `$maxCount` hides from readers. */
  streamOf(streamName: string): readonly PersistedEvent[] {
    return this.#streams.get(streamName) ?? [];
  }

  /** @returns takes the listener back, which is called after each append */
  onAppended(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async readStream(streamName: string, fromRevision = 0n): Promise<readonly PersistedEvent[]> {
    const events = this.streamOf(streamName);
    const hidden = Math.max(0, events.length - (this.#maxCounts.get(streamName) ?? Infinity));
    return events.slice(Math.max(hidden, Number(fromRevision)));
  }

  async append(streamName: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendResult> {
    const stream = this.#streams.get(streamName) ?? [];
    const first = expected === 'no-stream' ? 0 : Number(expected) + 1;
    if (stream.length !== first) return resultOfRepeat(streamName, stream.slice(first, first + events.length), events);
    this.#streams.set(streamName, stream);
    for (const event of events) {
      const position = BigInt(this.#log.length);
      const persisted = { ...asStored(event), streamName, revision: BigInt(stream.length), position };
      stream.push(persisted);
      this.#log.push(persisted);
    }
    for (const listener of [...this.#listeners]) listener();
    return { revision: BigInt(stream.length) - 1n, position: BigInt(this.#log.length) - 1n };
  }

  async setMaxCount(streamName: string, maxCount: number): Promise<void> {
    this.#maxCounts.set(streamName, maxCount);
  }

  async subscribe(
    prefixes: readonly string[],
    from: bigint | 'start',
    handler: SubscriptionHandler,
  ): Promise<Subscription> {
    const stopping = Promise.withResolvers<undefined>();
    const ended = Promise.race([
      Promise.resolve().then(() => this.#follow(prefixes, from, handler, stopping.promise)),
      stopping.promise,
    ]);
    ended.catch(() => undefined); // whoever waits sees it
    return {
      ended,
      stop: async () => {
        stopping.resolve(undefined);
        await ended;
      },
    };
  }

  async #follow(
    prefixes: readonly string[],
    from: bigint | 'start',
    handler: SubscriptionHandler,
    stopped: Promise<undefined>,
  ): Promise<undefined> {
    let isStopped = false;
    void stopped.then(() => (isStopped = true));
    const isOver = (): boolean => isStopped;
    let next = from === 'start' ? 0 : Number(from) + 1;
    for (let rounds = 0; !isOver(); rounds += 1) {
      const appended = this.#nextAppend();
      const firstUnseen = next;
      for (; next < this.#log.length && !isOver(); next += 1) {
        const event = this.#log[next]!;
        if (prefixes.some((prefix) => event.streamName.startsWith(prefix))) await handler.onEvent(event);
      }
      if (isOver()) return undefined;
      if (next > firstUnseen) await handler.onCheckpoint?.(BigInt(next - 1));
      if (rounds === 0) handler.onCaughtUp?.();
      if (next < this.#log.length) continue;
      await Promise.race([appended, stopped]);
    }
    return undefined;
  }

  #nextAppend(): Promise<void> {
    return new Promise((resolve) => {
      const forget = this.onAppended(() => {
        forget();
        resolve();
      });
    });
  }
}

/** The same ids at the same place were appended before; anything else there is a conflict. */
const resultOfRepeat = (
  streamName: string,
  there: readonly PersistedEvent[],
  events: readonly NewEvent[],
): AppendResult => {
  const last = there.at(-1);
  const isRepeat = there.length === events.length && there.every(({ id }, index) => id === events[index]?.id);
  if (last === undefined || !isRepeat) throw new RevisionConflict(streamName);
  return { revision: last.revision, position: last.position };
};
