import type { CallError } from '../server/call-errors.js';
import type { ResolvedEvent } from '../streams/resolve-link.js';
import { DeliveryCounter } from './delivery-counter.js';

/** The call of one consumer, as a group sees it. */
export interface ConsumerCall {
  readonly connectionName: string;
  /** @returns false when the client does not keep up */
  deliver(message: ResolvedEvent, retryCount: number): boolean;
  /** Settles when there is room again, or when the client has gone. */
  drained(): Promise<void>;
  drop(error: CallError): void;
}

/** One consumer of a group: it has so many slots, and each message it was given and has not settled takes one. */
export class Consumer {
  readonly call: ConsumerCall;
  readonly slots: number;
  readonly inFlight = new Set<string>();
  readonly counter = new DeliveryCounter();
  /** The transport is full; nothing is delivered until it has room. */
  blocked = false;

  constructor(call: ConsumerCall, slots: number) {
    this.call = call;
    this.slots = slots;
  }

  get hasRoom(): boolean {
    return !this.blocked && this.inFlight.size < this.slots;
  }
}
