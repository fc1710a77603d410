import {
  type AppendResult,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
  type PersistedEvent,
  type Subscription,
  TransientError,
} from '#libs/eventsourcing';
import type { EventLog } from './event-log.js';
import type { Lifetime } from './lifetime.js';
import type { Random } from './random.js';

/** How the way to the event store behaves while the store is there. */
export interface StoreManner {
  readonly latencyMs: readonly [number, number];
  /** How likely an append fails without having happened. */
  readonly appendLost: number;
  /** How likely an append happens, and the answer is lost. */
  readonly answerLost: number;
}

/** Whether the store can be reached, for everyone. */
export interface StoreAccess {
  readonly log: EventLog;
  readonly manner: StoreManner;
  readonly random: Random;
  isAway: boolean;
  /** Since when it is there again. */
  backSinceMs: number;
  /** Told of each fault that an append met. */
  onFault(kind: 'append-lost' | 'append-answer-lost'): void;
}

/** How long a caller waits for a store that does not answer. */
const AWAY_AFTER_MS = 5_000;

/** One process's way to the event store: it takes time, fails, and leaves outcomes unknown. */
export class StoreClient implements EventStore {
  constructor(
    private readonly access: StoreAccess,
    private readonly life: Lifetime,
  ) {}

  async readStream(streamName: string, fromRevision?: bigint): Promise<readonly PersistedEvent[]> {
    await this.#reach();
    const events = await this.access.log.readStream(streamName, fromRevision);
    await this.#travel();
    return events;
  }

  async append(streamName: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendResult> {
    const { log, random, manner } = this.access;
    await this.#reach();
    if (random.happens(manner.appendLost)) {
      this.access.onFault('append-lost');
      await this.life.sleep(AWAY_AFTER_MS);
      throw new TransientError('The append was not answered');
    }
    const appended = await log.append(streamName, expected, events);
    if (random.happens(manner.answerLost)) {
      this.access.onFault('append-answer-lost');
      await this.life.sleep(AWAY_AFTER_MS);
      throw new TransientError('The append was not answered');
    }
    await this.#travel();
    return appended;
  }

  async setMaxCount(streamName: string, maxCount: number): Promise<void> {
    await this.#reach();
    await this.access.log.setMaxCount(streamName, maxCount);
  }

  /** Readers follow the log themselves ({@link Reader}). */
  subscribe(): Promise<Subscription> {
    throw new Error('No service of the simulation subscribes by itself');
  }

  async #reach(): Promise<void> {
    await this.#travel();
    if (!this.access.isAway) return;
    await this.life.sleep(AWAY_AFTER_MS);
    throw new TransientError('The event store is away');
  }

  async #travel(): Promise<void> {
    const ms = this.access.random.integer(...this.access.manner.latencyMs);
    if (ms > 0) await this.life.sleep(ms);
    else if (this.life.isOver) await this.life.sleep(0); // never wakes up
  }
}
