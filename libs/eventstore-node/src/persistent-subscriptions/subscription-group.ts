import { subscriptionDropped } from '../server/persistent-errors.js';
import type { EventLog } from '../storage/event-log.js';
import type { LogRecord } from '../storage/record.js';
import { eventFilter } from '../streams/event-filter.js';
import { AllFollower, StreamFollower, type Follower } from '../streams/follow.js';
import { resolveLink, unresolved, type ResolvedEvent } from '../streams/resolve-link.js';
import { ALL } from '../server/stream-names.js';
import { Consumer, type ConsumerCall } from './consumer.js';
import { consumerStrategy, type ConsumerStrategy } from './consumer-strategy.js';
import { DeliveryCounter } from './delivery-counter.js';
import { GROUPS_OF_ALL_PREFIX, type GroupIdentity } from './group-identity.js';
import type { ConsumerStrategyName, GroupSettings } from './group-settings.js';
import type { GroupStorage } from './group-storage.js';
import { OutstandingMessages, type Message } from './outstanding-messages.js';
import { UnsettledPlaces } from './unsettled-places.js';

/** How often messages that took too long are looked for. */
const TIMEOUT_CHECK_MS = 1_000;
/** Filtered groups of `$all` look at so many events at a time. */
const FILTER_STEP = 256;

export type NackAction = 'park' | 'retry' | 'skip' | 'stop';

interface Delivery {
  readonly consumer: Consumer;
  readonly message: Message;
}

/** What a group needs from around it. */
export interface GroupSurroundings {
  readonly log: EventLog;
  readonly storage: GroupStorage;
  readonly now: () => number;
  /** Told when the group cannot write; consumers will get the messages again. */
  readonly onFault: (error: unknown) => void;
}

/**
 * Competing consumers over one stream or `$all`. Every event goes to one of them, at least once; what nobody
 * acknowledges is tried again and in the end parked. How far all is settled is kept as a checkpoint.
 */
export class SubscriptionGroup {
  readonly identity: GroupIdentity;
  readonly settings: GroupSettings;
  readonly counter = new DeliveryCounter();
  readonly consumers: Consumer[] = [];
  readonly #around: GroupSurroundings;
  readonly #strategy: ConsumerStrategy<Consumer>;
  readonly #follower: Follower;
  readonly #places = new UnsettledPlaces();
  readonly #outstanding = new OutstandingMessages();
  /** To be delivered before anything new: parked messages that are replayed, and what must be tried again. */
  #again: Message[] = [];
  #ahead: LogRecord[] = [];
  #parking = 0;
  #stopListening: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #checkpointTimer: NodeJS.Timeout | undefined;
  #checkpointed: number | undefined;
  #checkpointedCount = 0;
  #writingCheckpoint = false;
  #ended = false;

  /** @param end position that a group of `$all` takes for the end, if that is where it starts */
  constructor(identity: GroupIdentity, settings: GroupSettings, end: number, around: GroupSurroundings) {
    this.identity = identity;
    this.settings = settings;
    this.#around = around;
    this.#strategy = consumerStrategy(settings.consumerStrategy as ConsumerStrategyName);
    this.#checkpointed = around.storage.readCheckpoint(identity);
    this.#follower = this.#follow(end);
    this.#timer = setInterval(() => this.#retryOverdue(), TIMEOUT_CHECK_MS).unref();
    this.#checkpointTimer = setInterval(
      () => this.#checkpoint(settings.minCheckpointCount),
      Math.max(1, settings.checkpointAfterMs),
    ).unref();
  }

  get isFull(): boolean {
    return this.settings.maxSubscriberCount > 0 && this.consumers.length >= this.settings.maxSubscriberCount;
  }

  join(call: ConsumerCall, slots: number): Consumer {
    const consumer = new Consumer(call, slots);
    this.consumers.push(consumer);
    this.#strategy.joined(consumer);
    this.#deliver();
    return consumer;
  }

  /** What the consumer had is tried again, in order. */
  leave(consumer: Consumer): void {
    const index = this.consumers.indexOf(consumer);
    if (index < 0) return;
    this.consumers.splice(index, 1);
    this.#strategy.left(consumer);
    for (const { message } of this.#outstanding.takeOf(consumer)) this.#retry(message);
    this.#deliver();
  }

  acknowledge(consumer: Consumer, ids: readonly string[]): void {
    for (const id of ids) {
      const delivery = this.#take(consumer, id);
      if (delivery !== undefined) this.#settle(delivery);
    }
    this.#checkpoint(this.settings.maxCheckpointCount);
    this.#deliver();
  }

  refuse(consumer: Consumer, ids: readonly string[], action: NackAction, reason: string): void {
    for (const id of ids) {
      if (action === 'stop') {
        // As the real server: the slot is free, the message stays out until it takes too long.
        consumer.inFlight.delete(id);
        continue;
      }
      const message = this.#take(consumer, id);
      if (message === undefined) continue;
      if (action === 'retry') this.#retry(message);
      else if (action === 'skip') this.#settle(message);
      else {
        const revision = (message.content.event ?? message.content.original).revision;
        this.#park(message, { reason: `Client explicitly NAK'ed message.\n${reason}`, revision });
      }
    }
    this.#checkpoint(this.settings.maxCheckpointCount);
    this.#deliver();
  }

  /** Puts parked messages in front of everything else. */
  replay(messages: readonly ResolvedEvent[]): void {
    this.#again.unshift(
      ...messages.map((content) => ({ id: content.original.id, content, place: undefined, retryCount: 0 })),
    );
    this.#deliver();
  }

  /** Ends the group in this process; consumers are told that they were dropped. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopListening?.();
    clearInterval(this.#timer);
    clearInterval(this.#checkpointTimer);
    const dropped = subscriptionDropped(this.identity);
    for (const consumer of this.consumers.splice(0)) consumer.call.drop(dropped);
  }

  status(): {
    checkpointed: number | undefined;
    readAhead: number;
    again: number;
    inFlight: number;
    outstanding: number;
  } {
    return {
      checkpointed: this.#checkpointed,
      readAhead: this.#ahead.length,
      again: this.#again.length,
      inFlight: this.consumers.reduce((sum, consumer) => sum + consumer.inFlight.size, 0),
      outstanding: this.#outstanding.size + this.#parking,
    };
  }

  #follow(end: number): Follower {
    const { log, now } = this.#around;
    const { stream } = this.identity;
    const { startFrom, filter } = this.settings;
    if (stream !== ALL) {
      const from = this.#checkpointed === undefined ? startFrom : this.#checkpointed + 1;
      return new StreamFollower(log, stream, from === 'start' ? 0 : from, now);
    }
    const accepts = filter === undefined ? () => true : eventFilter(filter);
    const first = startFrom === 'start' ? 0 : startFrom === 'end' ? end : startFrom - 1;
    return new AllFollower(log, this.#checkpointed ?? first, {
      accepts: (record) => !record.stream.startsWith(GROUPS_OF_ALL_PREFIX) && accepts(record),
      checkpointEvery: FILTER_STEP,
    });
  }

  #deliver(): void {
    while (!this.#ended && this.consumers.some((consumer) => consumer.hasRoom)) {
      const next = this.#takeRetried() ?? this.#takeNew();
      if (next === undefined) return;
      this.#give(next.consumer, next.message);
    }
  }

  #takeRetried(): Delivery | undefined {
    for (const [index, message] of this.#again.entries()) {
      const consumer = this.#outstanding.has(message.id) ? undefined : this.#strategy.choose(message.content);
      if (consumer === undefined) continue;
      this.#again.splice(index, 1);
      return { consumer, message };
    }
    return undefined;
  }

  /** Looks past messages whose consumer is busy, as far as the buffer goes. */
  #takeNew(): Delivery | undefined {
    for (let index = 0; index < this.settings.historyBufferSize; index += 1) {
      const record = this.#ahead[index] ?? this.#readOn();
      if (record === undefined) return undefined;
      const message = this.#messageOf(record);
      if (this.#outstanding.has(message.id)) {
        // The same id again while the first one is out: acknowledgements could not tell them apart.
        this.#ahead.splice(index, 1);
        this.#settle(message);
        index -= 1;
        continue;
      }
      const consumer = this.#strategy.choose(message.content);
      if (consumer === undefined) continue;
      this.#ahead.splice(index, 1);
      return { consumer, message };
    }
    return undefined;
  }

  #give(consumer: Consumer, message: Message): void {
    consumer.inFlight.add(message.id);
    consumer.counter.delivered();
    this.counter.delivered();
    this.#outstanding.add(message, consumer, this.#around.now(), this.settings.messageTimeoutMs);
    if (!consumer.call.deliver(message.content, message.retryCount)) this.#waitForRoom(consumer);
  }

  #waitForRoom(consumer: Consumer): void {
    consumer.blocked = true;
    consumer.call
      .drained()
      .then(() => {
        consumer.blocked = false;
        this.#deliver();
      })
      .catch(this.#around.onFault);
  }

  #messageOf(record: LogRecord): Message {
    const content = this.settings.resolveLinks
      ? resolveLink(this.#around.log, record, this.#around.now())
      : unresolved(record);
    return { id: record.id, content, place: this.#placeOf(record), retryCount: 0 };
  }

  #placeOf(record: LogRecord): number {
    return this.identity.stream === ALL ? record.position : record.revision;
  }

  #readOn(): LogRecord | undefined {
    for (;;) {
      const finding = this.#follower.next();
      switch (finding.kind) {
        case 'events':
          for (const record of finding.records) this.#places.read(this.#placeOf(record));
          this.#ahead.push(...finding.records);
          if (finding.records.length > 0) return finding.records[0];
          break;
        case 'checkpoint':
          this.#places.pass(finding.position);
          break;
        case 'caught-up':
          break;
        case 'deleted':
        case 'nothing':
          this.#listen();
          return undefined;
      }
    }
  }

  #listen(): void {
    if (this.#stopListening !== undefined || this.#ended) return;
    this.#stopListening = this.#follower.onNews(() => {
      this.#stopListening?.();
      this.#stopListening = undefined;
      this.#deliver();
    });
  }

  #take(consumer: Consumer, id: string): Message | undefined {
    if (!consumer.inFlight.delete(id)) return undefined;
    const delivery = this.#outstanding.take(id);
    if (delivery === undefined) return undefined;
    const latencyMs = this.#around.now() - delivery.deliveredMs;
    consumer.counter.settled(latencyMs);
    this.counter.settled(latencyMs);
    return delivery.message;
  }

  #retryOverdue(): void {
    for (const { message, consumer } of this.#outstanding.takeOverdue(this.#around.now())) {
      consumer.inFlight.delete(message.id);
      this.#retry(message);
    }
    this.#deliver();
  }

  #retry(message: Message): void {
    if (message.retryCount >= this.settings.maxRetryCount) {
      this.#park(message, { reason: `Reached retry count of ${this.settings.maxRetryCount}` });
      return;
    }
    const retried: Message = { ...message, retryCount: message.retryCount + 1 };
    const before = this.#again.findIndex((other) => isBehind(other, retried));
    this.#again.splice(before < 0 ? this.#again.length : before, 0, retried);
  }

  #park(message: Message, because: { reason: string; revision?: number }): void {
    this.#parking += 1;
    this.#around.storage
      .park(this.identity, message.content, because)
      .then(() => this.#settle(message))
      .catch((error: unknown) => {
        this.#around.onFault(error);
        // Not written, so not handled: it goes to the consumers once more.
        this.#again.push(message);
      })
      .finally(() => {
        this.#parking -= 1;
        this.#checkpoint(this.settings.maxCheckpointCount);
        this.#deliver();
      })
      .catch(this.#around.onFault);
  }

  #settle(message: Message): void {
    if (message.place !== undefined) this.#places.settle(message.place);
  }

  /** Writes a checkpoint when at least `count` events were settled since the last one. */
  #checkpoint(count: number): void {
    const progress = this.#places.progress();
    const settled = progress.count - this.#checkpointedCount;
    if (this.#ended || this.#writingCheckpoint || progress.place === undefined) return;
    if (settled < Math.max(1, count)) return;
    const { place } = progress;
    this.#writingCheckpoint = true;
    this.#around.storage
      .writeCheckpoint(this.identity, this.identity.stream === ALL ? `C:${place}/P:${place}` : String(place))
      .then(() => {
        this.#checkpointed = place;
        this.#checkpointedCount = progress.count;
      })
      .catch(this.#around.onFault)
      .finally(() => {
        this.#writingCheckpoint = false;
      })
      .catch(this.#around.onFault);
  }
}

/** Replayed messages come first, then retries in the order of what the group reads. */
function isBehind(other: Message, retried: Message): boolean {
  if (retried.place === undefined) return other.place !== undefined;
  return other.place !== undefined && other.place > retried.place;
}
