/**
 * Revisions and positions are safe integers inside the node, not `bigint`: every event passes through here several
 * times and SQLite hands them out as numbers. They become decimal strings at the wire. `asSafe` guards the border.
 */

/** The stored revision of a `$streamDeleted` event; on the wire it is 2^63-1, which a number cannot hold. */
export const TOMBSTONE_REVISION = Number.MAX_SAFE_INTEGER;

/** The revision of a stream without events. */
export const NO_REVISION = -1;

export const EventType = {
  Metadata: '$metadata',
  StreamDeleted: '$streamDeleted',
  Link: '$>',
} as const;

/** An event as it is asked to be written. */
export interface NewEvent {
  /** Canonical lower-case UUID. */
  readonly id: string;
  readonly type: string;
  readonly isJson: boolean;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

/** An event as it lies in the log. */
export interface LogRecord extends NewEvent {
  /** Place in the log: grows in commit order, starts at 1, may have gaps. */
  readonly position: number;
  readonly stream: string;
  readonly revision: number;
  /** Milliseconds since the Unix epoch; never decreases along the log. */
  readonly createdMs: number;
}

/** The name of the stream that holds the metadata of `stream`. */
export const metastreamOf = (stream: string): string => `$$${stream}`;

export const isMetastream = (stream: string): boolean => stream.startsWith('$$');

/** The stream whose metadata `metastream` holds. */
export const describedBy = (metastream: string): string => metastream.slice(2);

/** @throws RangeError when a number from outside is not exactly representable. */
export function asSafe(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe integer`);
  return value;
}
