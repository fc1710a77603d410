import {
  EventStoreDBClient,
  ErrorType,
  FORWARDS,
  NO_STREAM,
  START,
  type JSONEventType,
  jsonEvent,
} from '@eventstore/db-client';
import {
  type AppendResult,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
  PermanentError,
  type PersistedEvent,
  RevisionConflict,
  type Subscription,
  type SubscriptionHandler,
  TransientError,
} from '#libs/eventsourcing';
import { classify, isCommandErrorOf, toPersisted } from './persisted-event.js';
import { subscribeWithPrefixes } from './prefix-subscription.js';
import { toStoredMetadata } from './stored-metadata.js';

/** The client may leave a batch append unanswered for ever when the server half-closes; we do not. */
const APPEND_TIMEOUT_MS = 15_000;

export class EventStoreDb implements EventStore {
  readonly #client: EventStoreDBClient;

  /** @param connectionString `esdb://host:port?tls=false` or a cluster's */
  constructor(connectionString: string) {
    this.#client = EventStoreDBClient.connectionString(connectionString);
  }

  async readStream(streamName: string, fromRevision?: bigint): Promise<readonly PersistedEvent[]> {
    const events: PersistedEvent[] = [];
    try {
      const options = { direction: FORWARDS, fromRevision: fromRevision ?? START } as const;
      for await (const { event } of this.#client.readStream(streamName, options)) {
        if (event !== undefined) events.push(toPersisted(event));
      }
    } catch (error) {
      if (isCommandErrorOf(error, ErrorType.STREAM_NOT_FOUND)) return [];
      throw classify(error);
    }
    return events;
  }

  async append(streamName: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendResult> {
    const messages = events.map((event) =>
      jsonEvent<JSONEventType>({
        id: event.id,
        type: event.storedType,
        data: event.data as JSONEventType['data'],
        metadata: toStoredMetadata(event.metadata),
      }),
    );
    try {
      const result = await within(
        APPEND_TIMEOUT_MS,
        this.#client.appendToStream(streamName, messages, {
          expectedRevision: expected === 'no-stream' ? NO_STREAM : expected,
        }),
      );
      if (result.position === undefined)
        throw new PermanentError(`Append to ${streamName} was answered without a position`);
      return { revision: result.nextExpectedRevision, position: result.position.commit };
    } catch (error) {
      if (isCommandErrorOf(error, ErrorType.WRONG_EXPECTED_VERSION)) throw new RevisionConflict(streamName);
      throw classify(error);
    }
  }

  async setMaxCount(streamName: string, maxCount: number): Promise<void> {
    try {
      const current = await this.#client.getStreamMetadata(streamName);
      if (current.metadata?.maxCount === maxCount) return;
      await within(APPEND_TIMEOUT_MS, this.#client.setStreamMetadata(streamName, { maxCount }));
    } catch (error) {
      throw classify(error);
    }
  }

  async subscribe(
    prefixes: readonly string[],
    from: bigint | 'start',
    handler: SubscriptionHandler,
  ): Promise<Subscription> {
    return subscribeWithPrefixes(this.#client, prefixes, from, handler);
  }

  async close(): Promise<void> {
    await this.#client.dispose();
  }
}

const within = async <T>(milliseconds: number, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new TransientError(`Event store gave no answer within ${milliseconds} ms`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
};
