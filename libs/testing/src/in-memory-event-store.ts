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

/** The kernel's event store in memory, for unit specs. Passes the contract suite that the real adapter passes. */
export class InMemoryEventStore implements EventStore {
  readonly #log: PersistedEvent[] = [];
  readonly #maxCounts = new Map<string, number>();
  #appended = Promise.withResolvers<undefined>();

  async readStream(streamName: string, fromRevision = 0n): Promise<readonly PersistedEvent[]> {
    const kept = this.#maxCounts.get(streamName) ?? Infinity;
    const events = this.#streamOf(streamName);
    return events.slice(Math.max(0, events.length - kept)).filter(({ revision }) => revision >= fromRevision);
  }

  async append(streamName: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendResult> {
    const stream = this.#streamOf(streamName);
    const first = expected === 'no-stream' ? 0n : expected + 1n;
    if (BigInt(stream.length) !== first) return resultOfRepeat(streamName, stream, first, events);
    for (const [index, event] of events.entries()) {
      this.#log.push({
        ...asStored(event),
        streamName,
        revision: first + BigInt(index),
        position: BigInt(this.#log.length),
      });
    }
    this.#appended.resolve(undefined);
    this.#appended = Promise.withResolvers();
    return { revision: first + BigInt(events.length) - 1n, position: BigInt(this.#log.length) - 1n };
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
    let isStopping = false;
    const follow = async (): Promise<void> => {
      let next = from === 'start' ? 0 : Number(from) + 1;
      let hasCaughtUp = false;
      const isOver = (): boolean => isStopping;
      while (!isOver()) {
        const appended = this.#appended.promise;
        const firstUnseen = next;
        for (; next < this.#log.length && !isOver(); next += 1) {
          const event = this.#log[next];
          if (event !== undefined && prefixes.some((prefix) => event.streamName.startsWith(prefix))) {
            await handler.onEvent(event);
          }
        }
        if (isOver()) return;
        if (next > firstUnseen) await handler.onCheckpoint?.(BigInt(next - 1));
        if (!hasCaughtUp && next >= this.#log.length) {
          hasCaughtUp = true;
          handler.onCaughtUp?.();
        }
        await Promise.race([appended, stopping.promise]);
      }
    };
    const ended = Promise.race([Promise.resolve().then(follow), stopping.promise]);
    ended.catch(() => undefined); // whoever waits sees it
    return {
      ended,
      stop: async () => {
        isStopping = true;
        stopping.resolve(undefined);
        await ended;
      },
    };
  }

  #streamOf(streamName: string): readonly PersistedEvent[] {
    return this.#log.filter((event) => event.streamName === streamName);
  }
}

/** The same ids at the same place were appended before; anything else there is a conflict. */
const resultOfRepeat = (
  streamName: string,
  stream: readonly PersistedEvent[],
  first: bigint,
  events: readonly NewEvent[],
): AppendResult => {
  const there = stream.slice(Number(first), Number(first) + events.length);
  const last = there.at(-1);
  const isRepeat = there.length === events.length && there.every(({ id }, index) => id === events[index]?.id);
  if (last === undefined || !isRepeat) throw new RevisionConflict(streamName);
  return { revision: last.revision, position: last.position };
};

/** Only what JSON can hold comes back from a store. */
const asStored = ({ id, storedType, data, metadata }: NewEvent): NewEvent => ({
  id,
  storedType,
  data: JSON.parse(JSON.stringify(data)) as unknown,
  metadata: { ...metadata },
});
