import type { NewEvent } from '../storage/record.js';

/** Longest stream name and event type taken, in characters. */
export const NAME_LIMIT = 4_096;

/** An event as a client proposes it, before it is checked. */
export interface ProposedEvent {
  /** Canonical id; undefined when it was missing or no UUID. */
  readonly id: string | undefined;
  readonly type: string | undefined;
  readonly contentType: string | undefined;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export type EventFault = 'type-missing' | 'content-type-missing' | 'id' | 'type-empty' | 'type-too-long';

/** @returns the event, or what is wrong with it */
export function acceptEvent(proposed: ProposedEvent): NewEvent | EventFault {
  if (proposed.type === undefined) return 'type-missing';
  if (proposed.contentType === undefined) return 'content-type-missing';
  if (proposed.id === undefined) return 'id';
  if (proposed.type === '') return 'type-empty';
  if (proposed.type.length > NAME_LIMIT) return 'type-too-long';
  return {
    id: proposed.id,
    type: proposed.type,
    isJson: proposed.contentType === 'application/json',
    data: proposed.data,
    metadata: proposed.metadata,
  };
}
