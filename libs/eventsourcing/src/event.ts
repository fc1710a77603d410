/** A past-tense business fact. `type` is the name used in code; the stored name and version live in the codec. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
}

/** Who or what asked. `service:` actors act on a recorded fact, `operator:` on a person's request. */
export type Actor = `operator:${string}` | `service:${string}` | `endpoint:${string}`;

/** What is known of every event beside its data. Ids are UUIDs, times ISO 8601 in UTC. */
export interface EventMetadata {
  readonly correlationId: string;
  readonly causationId: string;
  readonly commandId: string;
  readonly actor: Actor;
  readonly occurredAt: string;
  readonly producer: string;
}

/** An event as it stands in the store, decoded. `revision` counts within its stream, `position` over all streams. */
export interface RecordedEvent<E extends DomainEvent = DomainEvent> {
  readonly id: string;
  readonly streamName: string;
  readonly revision: bigint;
  readonly position: bigint;
  readonly event: E;
  readonly metadata: EventMetadata;
}
