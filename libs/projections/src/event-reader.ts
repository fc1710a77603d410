import type { DataSource, EntityManager } from 'typeorm';
import { DomainError, type EventStore, type PersistedEvent } from '#libs/eventsourcing';
import { type Lease, acquireLease, moveCheckpoint, pause, readCheckpoint } from './reader-lease.js';

/** Writes rows; its transaction also moves the checkpoint, so an event is applied exactly once. */
export interface Projection {
  readonly kind: 'projection';
  readonly name: string;
  readonly prefixes: readonly string[];
  /** Tables that a rebuild empties. */
  readonly tables: readonly string[];
  apply(event: PersistedEvent, manager: EntityManager): Promise<void>;
}

/** Sends commands; at least once per event, so what it sends must be idempotent. */
export interface Reaction {
  readonly kind: 'reaction';
  readonly name: string;
  readonly prefixes: readonly string[];
  react(event: PersistedEvent): Promise<void>;
}

export interface ReaderLog {
  info(message: string): void;
  warn(message: string): void;
}

/** Bounds of the wait before a reader that broke begins again. */
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 5_000;
/** Checkpoints without events are stored at most this often; they only save a rescan. */
const IDLE_CHECKPOINT_MS = 1_000;

/** Runs one projection or reaction for as long as it is not stopped: waits for its turn, reads, begins again after a fault. */
export class EventReader {
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #fault: string | null = null;

  constructor(
    private readonly store: EventStore,
    private readonly dataSource: DataSource,
    private readonly subscriber: Projection | Reaction,
    private readonly log: ReaderLog,
  ) {}

  get name(): string {
    return this.subscriber.name;
  }

  /** What keeps the reader from reading, for the health report; null when nothing does. */
  get fault(): string | null {
    return this.#fault;
  }

  start(): void {
    this.#running = this.#runForever();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #runForever(): Promise<void> {
    let backoff = FIRST_BACKOFF_MS;
    while (!this.#stopping.signal.aborted) {
      try {
        const lease = await acquireLease(this.dataSource, this.name, this.#stopping.signal);
        if (lease === null) return;
        try {
          await this.#read(lease, () => (backoff = FIRST_BACKOFF_MS));
        } finally {
          await lease.release();
        }
      } catch (error) {
        this.#fault = error instanceof Error ? error.message : String(error);
        this.log.warn(`${this.name} broke and begins again in ${backoff} ms: ${this.#fault}`);
        await pause(backoff, this.#stopping.signal);
        backoff = Math.min(backoff * 2, LAST_BACKOFF_MS);
      }
    }
  }

  async #read(lease: Lease, onProgress: () => void): Promise<void> {
    const from = await readCheckpoint(this.dataSource.manager, this.name);
    let position = from ?? -1n;
    let storedAt = 0;
    const subscription = await this.store.subscribe(this.subscriber.prefixes, from ?? 'start', {
      onEvent: async (event) => {
        if (event.position <= position) return;
        await this.#handle(event, lease);
        position = event.position;
        this.#fault = null;
        onProgress();
      },
      onCheckpoint: async (checkpoint) => {
        if (checkpoint <= position || Date.now() - storedAt < IDLE_CHECKPOINT_MS) return;
        await moveCheckpoint(this.dataSource.manager, this.name, checkpoint, lease.epoch);
        position = checkpoint;
        storedAt = Date.now();
      },
      onCaughtUp: () => (this.#fault = null),
    });
    const leave = (): void => void subscription.stop().catch(() => undefined);
    this.#stopping.signal.addEventListener('abort', leave);
    lease.lost.addEventListener('abort', leave);
    try {
      if (this.#stopping.signal.aborted || lease.lost.aborted) leave();
      await subscription.ended;
      if (lease.lost.aborted) throw lease.lost.reason;
    } finally {
      this.#stopping.signal.removeEventListener('abort', leave);
      await subscription.stop().catch(() => undefined);
    }
  }

  async #handle(event: PersistedEvent, lease: Lease): Promise<void> {
    const { subscriber } = this;
    if (subscriber.kind === 'projection') {
      await this.dataSource.transaction(async (manager) => {
        await subscriber.apply(event, manager);
        await moveCheckpoint(manager, this.name, event.position, lease.epoch);
      });
      return;
    }
    try {
      await subscriber.react(event);
    } catch (error) {
      // A refusal is an answer: the command came too late or twice. Anything else may pass and is tried again.
      if (!(error instanceof DomainError)) throw error;
      this.log.info(`${this.name} skipped ${event.storedType} in ${event.streamName}: ${error.code} ${error.message}`);
    }
    await moveCheckpoint(this.dataSource.manager, this.name, event.position, lease.epoch);
  }
}

/**
 * Empties a projection's tables and its checkpoint; the running reader, fenced by the new epoch, begins from the start.
 */
export const rebuild = async (dataSource: DataSource, projection: Projection): Promise<void> => {
  await dataSource.transaction(async (manager) => {
    // Tables first, then the checkpoint, as the reader does it: the other way round they would wait for each other.
    for (const table of projection.tables) await manager.query(`TRUNCATE TABLE "${table}"`);
    await manager.query('UPDATE checkpoint SET position = NULL, epoch = epoch + 1 WHERE reader = $1', [
      projection.name,
    ]);
  });
};
