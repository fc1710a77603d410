import {
  isSoftDeleted,
  METASTREAM_METADATA,
  NO_METADATA,
  parseStreamMetadata,
  type StreamMetadata,
} from '../streams/stream-metadata.js';
import { BoundedMap } from './bounded-map.js';
import type { EventRows } from './event-rows.js';
import { describedBy, isMetastream, metastreamOf, NO_REVISION, TOMBSTONE_REVISION, type LogRecord } from './record.js';

const STATES_KEPT = 10_000;

/** What must be known about a stream to decide on a request. */
export interface StreamState {
  readonly name: string;
  /** Row of the stream table; absent while nothing was ever written to it. */
  id: number | undefined;
  /** Revision of its newest event; `NO_REVISION` when it has none. Not changed by a tombstone. */
  last: number;
  tombstoned: boolean;
  metadata: StreamMetadata;
}

/** The states of the streams in use, loaded when asked for and forgotten when others need the room. */
export class StreamStates {
  readonly #rows: EventRows;
  readonly #states = new BoundedMap<string, StreamState>(STATES_KEPT);

  constructor(rows: EventRows) {
    this.#rows = rows;
  }

  of(name: string): StreamState {
    const known = this.#states.get(name);
    if (known !== undefined) return known;
    const state = this.#load(name);
    this.#states.set(name, state);
    return state;
  }

  /** Brings the states in line with an event that was just written. */
  wrote(state: StreamState, record: LogRecord): void {
    if (record.revision === TOMBSTONE_REVISION) {
      state.tombstoned = true;
      this.#states.delete(metastreamOf(state.name));
      return;
    }
    state.last = record.revision;
    if (isMetastream(state.name)) this.of(describedBy(state.name)).metadata = metadataFrom(record);
  }

  forget(): void {
    this.#states.clear();
  }

  #load(name: string): StreamState {
    const id = this.#rows.streamId(name);
    const newest = id === undefined ? undefined : this.#rows.lastRevision(id);
    const tombstoned = newest === TOMBSTONE_REVISION;
    const state: StreamState = {
      name,
      id,
      last: tombstoned ? this.#lastBeforeTombstone(id) : (newest ?? NO_REVISION),
      tombstoned: tombstoned || (isMetastream(name) && this.of(describedBy(name)).tombstoned),
      metadata: isMetastream(name) ? METASTREAM_METADATA : this.#metadataOf(name),
    };
    return state;
  }

  #lastBeforeTombstone(id: number | undefined): number {
    if (id === undefined) return NO_REVISION;
    const [before] = this.#rows.backward(id, TOMBSTONE_REVISION - 1, 0, { events: 1, bytes: Infinity });
    return before?.revision ?? NO_REVISION;
  }

  #metadataOf(name: string): StreamMetadata {
    const record = newestEvent(this.#rows, metastreamOf(name));
    return record === undefined ? NO_METADATA : metadataFrom(record);
  }
}

export function newestEvent(rows: EventRows, stream: string): LogRecord | undefined {
  const id = rows.streamId(stream);
  const revision = id === undefined ? undefined : rows.lastRevision(id);
  return id === undefined || revision === undefined ? undefined : rows.one(id, revision);
}

const metadataFrom = (record: LogRecord): StreamMetadata =>
  record.isJson ? parseStreamMetadata(record.data) : NO_METADATA;

/** A stream that reads as missing although it has (had) events. */
export const isHidden = (state: StreamState): boolean => isSoftDeleted(state.metadata);
