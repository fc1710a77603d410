import { DomainError, type PersistedEvent } from '#libs/eventsourcing';
import type { EventLog } from './event-log.js';
import type { Lifetime } from './lifetime.js';
import type { Random } from './random.js';

/** How events reach readers. */
export interface DeliveryManner {
  readonly delayMs: readonly [number, number];
  /** How likely an event takes up to {@link stallMs} longer. */
  readonly stall: number;
  readonly stallMs: number;
  /** How likely an event is handled again although it was handled well. */
  readonly twice: number;
}

export type DeliveryFault = 'delivery-stalled' | 'event-twice';

/** Positions up to which readers have handled the log; they outlive the readers' processes, as rows in Postgres do. */
export type Checkpoints = Map<string, number>;

export interface ReaderWorld {
  readonly log: EventLog;
  readonly checkpoints: Checkpoints;
  readonly random: Random;
  readonly manner: DeliveryManner;
  isStoreAway(): boolean;
  onFault(kind: DeliveryFault, reader: string): void;
  /** A reader met something that it cannot be about: a fault of the program. */
  onCrash(reader: string, error: unknown): void;
}

export interface Subscriber {
  readonly name: string;
  readonly prefixes: readonly string[];
  handle(event: PersistedEvent): Promise<void>;
}

/** As of the real one. */
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 5_000;
/** So often a reader fails at the same event before the simulation takes it for stuck. */
const MAX_FAILURES = 20_000;

/**
 * One reader in one process: events in order, one after another, each at least once. A process that dies between an
 * event's handling and its checkpoint handles it again in its next life.
 */
export class Reader {
  constructor(
    private readonly world: ReaderWorld,
    private readonly life: Lifetime,
    private readonly subscriber: Subscriber,
  ) {}

  async run(): Promise<void> {
    const { checkpoints } = this.world;
    const { name } = this.subscriber;
    let next = (checkpoints.get(name) ?? -1) + 1;
    for (;;) {
      const event = this.#from(next);
      if (event === null) {
        // Nothing that matches stands before the end.
        next = this.world.log.all.length;
        await this.#untilAppended();
        continue;
      }
      await this.#delivery();
      await this.#handle(event);
      next = Number(event.position) + 1;
      // Here a process may die.
      await this.life.sleep(this.world.random.integer(0, 2));
      checkpoints.set(name, Number(event.position));
      if (this.world.random.happens(this.world.manner.twice)) {
        this.world.onFault('event-twice', name);
        await this.#handle(event);
      }
    }
  }

  #from(position: number): PersistedEvent | null {
    const { all } = this.world.log;
    const { prefixes } = this.subscriber;
    for (let index = position; index < all.length; index += 1) {
      const event = all[index]!;
      if (prefixes.some((prefix) => event.streamName.startsWith(prefix))) return event;
    }
    return null;
  }

  async #handle(event: PersistedEvent): Promise<void> {
    let backoff = FIRST_BACKOFF_MS;
    for (let failures = 0; ; failures += 1) {
      try {
        if (this.world.isStoreAway()) await this.#untilStoreIsBack();
        await this.subscriber.handle(event);
        return;
      } catch (error) {
        // A refusal is an answer: the command came too late or twice.
        if (error instanceof DomainError) return;
        if (failures >= MAX_FAILURES) this.world.onCrash(this.subscriber.name, error);
        if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) {
          this.world.onCrash(this.subscriber.name, error);
        }
        await this.life.sleep(backoff);
        backoff = Math.min(2 * backoff, LAST_BACKOFF_MS);
      }
    }
  }

  async #delivery(): Promise<void> {
    const { random, manner } = this.world;
    const isStalled = random.happens(manner.stall);
    if (isStalled) this.world.onFault('delivery-stalled', this.subscriber.name);
    await this.life.sleep(random.integer(...manner.delayMs) + (isStalled ? random.integer(0, manner.stallMs) : 0));
  }

  async #untilStoreIsBack(): Promise<void> {
    while (this.world.isStoreAway()) await this.life.sleep(LAST_BACKOFF_MS);
  }

  #untilAppended(): Promise<void> {
    return new Promise((resolve) => {
      const forget = this.world.log.onAppended(() => {
        forget();
        if (!this.life.isOver) resolve();
      });
      this.life.onEnd(forget);
    });
  }
}
