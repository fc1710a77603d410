import type { Reaction } from '#libs/projections';
import { Lifetime } from '../world/lifetime.js';
import { Reader, type ReaderWorld, type Subscriber } from '../world/reader.js';
import { type Answerer, BusClient, type SimulatedNats } from '../world/service-bus.js';
import { type StoreAccess, StoreClient } from '../world/store-client.js';

export type ServiceName = 'planning' | 'provisioning' | 'transfer' | 'cutover';
export const SERVICE_NAMES: readonly ServiceName[] = ['planning', 'provisioning', 'transfer', 'cutover'];

/** What a process of a service stands on. */
export interface Ground {
  readonly life: Lifetime;
  readonly store: StoreClient;
  readonly bus: BusClient;
}

/** What a process of a service consists of. */
export interface ServiceParts {
  readonly answers: ReadonlyMap<string, Answerer>;
  readonly subscribers: readonly Subscriber[];
  /** What runs by itself. */
  readonly tasks: readonly { run(): Promise<void> }[];
}

export const subscriberOf = (reaction: Reaction): Subscriber => ({
  name: reaction.name,
  prefixes: reaction.prefixes,
  handle: (event) => reaction.react(event),
});

export interface ServiceWorld {
  readonly access: StoreAccess;
  readonly nats: SimulatedNats;
  readonly readers: ReaderWorld;
}

/** One service: a process at most, which may be killed at any moment, and started again. */
export class Service {
  #life: Lifetime | null = null;
  /** The readers that it has. */
  readers: readonly Pick<Subscriber, 'name' | 'prefixes'>[] = [];
  /** When the process in hand began; null while there is none. */
  runningSinceMs: number | null = null;

  constructor(
    readonly name: ServiceName,
    private readonly world: ServiceWorld,
    private readonly newLife: () => Lifetime,
    private readonly assemble: (ground: Ground) => ServiceParts,
  ) {}

  get isRunning(): boolean {
    return this.#life !== null;
  }

  start(): void {
    if (this.#life !== null) return;
    const { access, nats, readers } = this.world;
    const life = this.newLife();
    this.#life = life;
    this.runningSinceMs = life.clock.nowMs;
    const parts = this.assemble({ life, store: new StoreClient(access, life), bus: new BusClient(nats, life) });
    for (const [subject, answer] of parts.answers) nats.answer(subject, life, answer);
    this.readers = parts.subscribers;
    for (const subscriber of parts.subscribers) void new Reader(readers, life, subscriber).run();
    for (const task of parts.tasks) void task.run();
  }

  crash(): void {
    this.#life?.end();
    this.#life = null;
    this.runningSinceMs = null;
  }
}
