import type { ResolvedEvent } from '../streams/resolve-link.js';
import type { Consumer } from './consumer.js';

/** A message of a group, from when it was read until it is settled. */
export interface Message {
  /** The id it is acknowledged by: its link's, if it came through one. */
  readonly id: string;
  readonly content: ResolvedEvent;
  /** Revision or position in what the group reads; undefined for a parked message that is replayed. */
  readonly place: number | undefined;
  readonly retryCount: number;
}

interface Delivery {
  readonly message: Message;
  readonly consumer: Consumer;
  readonly deliveredMs: number;
  readonly dueMs: number;
}

/** The messages consumers have and did not settle yet. */
export class OutstandingMessages {
  readonly #byId = new Map<string, Delivery>();

  get size(): number {
    return this.#byId.size;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  add(message: Message, consumer: Consumer, nowMs: number, timeoutMs: number): void {
    const dueMs = timeoutMs > 0 ? nowMs + timeoutMs : Infinity;
    this.#byId.set(message.id, { message, consumer, deliveredMs: nowMs, dueMs });
  }

  take(id: string): Delivery | undefined {
    const delivery = this.#byId.get(id);
    this.#byId.delete(id);
    return delivery;
  }

  /** Takes all of one consumer, in the order they were delivered. */
  takeOf(consumer: Consumer): Delivery[] {
    return this.#takeWhere((delivery) => delivery.consumer === consumer);
  }

  takeOverdue(nowMs: number): Delivery[] {
    return this.#takeWhere((delivery) => delivery.dueMs <= nowMs);
  }

  clear(): void {
    this.#byId.clear();
  }

  #takeWhere(wanted: (delivery: Delivery) => boolean): Delivery[] {
    const taken = [...this.#byId.values()].filter(wanted);
    for (const { message } of taken) this.#byId.delete(message.id);
    return taken;
  }
}
