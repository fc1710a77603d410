import type { ResolvedEvent } from '../streams/resolve-link.js';
import type { ConsumerStrategyName } from './group-settings.js';

/** What a strategy needs to know of a consumer. */
export interface Candidate {
  readonly hasRoom: boolean;
}

/** Says which consumer gets a message. */
export interface ConsumerStrategy<C extends Candidate> {
  joined(consumer: C): void;
  left(consumer: C): void;
  /** @returns the consumer, or undefined when the message must wait for one */
  choose(message: ResolvedEvent): C | undefined;
}

export function consumerStrategy<C extends Candidate>(name: ConsumerStrategyName): ConsumerStrategy<C> {
  switch (name) {
    case 'DispatchToSingle':
      return new DispatchToSingle<C>();
    case 'RoundRobin':
      return new RoundRobin<C>();
    case 'Pinned':
      return new Pinned<C>(streamOf);
    case 'PinnedByCorrelation':
      return new Pinned<C>(correlationOf);
  }
}

/** The first consumer gets everything; the next one only what the first has no room for. */
class DispatchToSingle<C extends Candidate> implements ConsumerStrategy<C> {
  readonly #consumers: C[] = [];

  joined(consumer: C): void {
    this.#consumers.push(consumer);
  }

  left(consumer: C): void {
    removeFrom(this.#consumers, consumer);
  }

  choose(): C | undefined {
    return this.#consumers.find((consumer) => consumer.hasRoom);
  }
}

class RoundRobin<C extends Candidate> implements ConsumerStrategy<C> {
  readonly #turn: C[] = [];

  joined(consumer: C): void {
    this.#turn.push(consumer);
  }

  left(consumer: C): void {
    removeFrom(this.#turn, consumer);
  }

  choose(): C | undefined {
    const chosen = this.#turn.find((consumer) => consumer.hasRoom);
    if (chosen !== undefined) {
      removeFrom(this.#turn, chosen);
      this.#turn.push(chosen);
    }
    return chosen;
  }
}

const BUCKETS = 1_024;

/**
 * Messages with the same key go to the same consumer, as long as it is there: keys fall into buckets, and consumers
 * own buckets, about equally many each.
 */
class Pinned<C extends Candidate> implements ConsumerStrategy<C> {
  readonly #owners: (C | undefined)[] = new Array<C | undefined>(BUCKETS).fill(undefined);
  readonly #owned = new Map<C, number>();
  readonly #keyOf: (message: ResolvedEvent) => string;

  constructor(keyOf: (message: ResolvedEvent) => string) {
    this.#keyOf = keyOf;
  }

  joined(consumer: C): void {
    this.#owned.set(consumer, 0);
    const share = Math.ceil(BUCKETS / this.#owned.size);
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const owner = this.#owners[bucket];
      if (owner !== undefined && (this.#owned.get(owner) ?? 0) > share) this.#release(bucket, owner);
    }
  }

  left(consumer: C): void {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      if (this.#owners[bucket] === consumer) this.#owners[bucket] = undefined;
    }
    this.#owned.delete(consumer);
  }

  choose(message: ResolvedEvent): C | undefined {
    const bucket = bucketOf(this.#keyOf(message));
    const owner = this.#owners[bucket] ?? this.#assign(bucket);
    return owner?.hasRoom ? owner : undefined;
  }

  #assign(bucket: number): C | undefined {
    let chosen: C | undefined;
    let fewest = Infinity;
    for (const [consumer, owned] of this.#owned) {
      if (owned >= fewest) continue;
      chosen = consumer;
      fewest = owned;
    }
    if (chosen !== undefined) {
      this.#owners[bucket] = chosen;
      this.#owned.set(chosen, fewest + 1);
    }
    return chosen;
  }

  #release(bucket: number, owner: C): void {
    this.#owners[bucket] = undefined;
    this.#owned.set(owner, (this.#owned.get(owner) ?? 1) - 1);
  }
}

/** FNV-1a over UTF-16 code units. */
function bucketOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % BUCKETS;
}

const streamOf = (message: ResolvedEvent): string => (message.event ?? message.original).stream;

function correlationOf(message: ResolvedEvent): string {
  const { metadata } = message.event ?? message.original;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(metadata).toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null && '$correlationId' in parsed)
      return String(parsed.$correlationId);
  } catch {
    // No metadata, or none that says anything: then the stream keeps related messages together.
  }
  return streamOf(message);
}

function removeFrom<T>(list: T[], item: T): void {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
}
