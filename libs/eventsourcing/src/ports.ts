import type { EventMetadata } from './event.js';

/** An event on its way into the store. */
export interface NewEvent {
  readonly id: string;
  readonly storedType: string;
  readonly data: unknown;
  readonly metadata: EventMetadata;
}

/** An event as the store gives it back. */
export interface PersistedEvent extends NewEvent {
  readonly streamName: string;
  readonly revision: bigint;
  readonly position: bigint;
}

/** Exact revision of the last event, or that the stream must not exist yet. Never "any". */
export type ExpectedRevision = bigint | 'no-stream';

export interface AppendResult {
  readonly revision: bigint;
  readonly position: bigint;
}

export interface SubscriptionHandler {
  /** Called for one event after another; the next waits for the promise. */
  onEvent(event: PersistedEvent): Promise<void>;
  /** Nothing that matches stands before this position; may be stored as a checkpoint. */
  onCheckpoint?(position: bigint): Promise<void>;
  /** Every event that was there has been handled. */
  onCaughtUp?(): void;
}

export interface Subscription {
  stop(): Promise<void>;
  /** Settles when the subscription has ended: resolved after stop(), rejected when it broke. */
  readonly ended: Promise<void>;
}

export interface EventStore {
  /** Events of one stream in order, from a revision (inclusive); none when the stream does not exist. */
  readStream(streamName: string, fromRevision?: bigint): Promise<readonly PersistedEvent[]>;
  /**
   * All or nothing. Repeating the same ids at the same expected revision succeeds and changes nothing.
   * @throws RevisionConflict when the stream is not where it was expected
   * @throws TransientError when the outcome is unknown or the store is away
   */
  append(streamName: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendResult>;
  /** Keeps only the newest events of a technical stream. */
  setMaxCount(streamName: string, maxCount: number): Promise<void>;
  /** Every event of streams with one of the prefixes, in log order, from a position (exclusive) or from the start. */
  subscribe(prefixes: readonly string[], from: bigint | 'start', handler: SubscriptionHandler): Promise<Subscription>;
}
