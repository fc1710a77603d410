import type { EventLog } from '../storage/event-log.js';
import type { PageLimit } from '../storage/event-rows.js';
import { TOMBSTONE_REVISION, type LogRecord } from '../storage/record.js';
import type { EventFilter } from './event-filter.js';
import { presenceOf, READ_PAGE, readForward } from './read-stream.js';

/** What a follower finds when it looks for news. */
export type Finding =
  | { readonly kind: 'events'; readonly records: readonly LogRecord[] }
  /** Filtered `$all` only: nothing that passes the filter up to `position`. */
  | { readonly kind: 'checkpoint'; readonly position: number }
  | { readonly kind: 'caught-up' }
  | { readonly kind: 'deleted' }
  /** Nothing now; look again after `news`. */
  | { readonly kind: 'nothing' };

/** Walks along a stream or the log, first through what is there, then through what comes. Never waits itself. */
export interface Follower {
  next(): Finding;
  /** @returns a function that ends the listening */
  onNews(wake: () => void): () => void;
  /** How many events lie in front of the reader, up to `limit`. */
  backlog(limit: number): number;
  /** Goes back to catching up, so that the end is reported again. */
  fellBehind(): void;
}

/**
 * Follows one stream. Truncation by metadata applies while catching up; afterwards every event comes, as it is
 * written. A stream that does not exist yet is waited for.
 */
export class StreamFollower implements Follower {
  readonly #log: EventLog;
  readonly #stream: string;
  readonly #nowMs: () => number;
  #nextRevision: number;
  #live: boolean;
  #saidCaughtUp = false;
  #sawTombstone = false;

  /** @param from first revision wanted, or 'end' for only what comes from now on */
  constructor(log: EventLog, stream: string, from: number | 'end', nowMs: () => number) {
    this.#log = log;
    this.#stream = stream;
    this.#nowMs = nowMs;
    this.#live = from === 'end';
    this.#nextRevision = from === 'end' ? log.states.of(stream).last + 1 : from;
  }

  next(): Finding {
    const state = this.#log.states.of(this.#stream);
    if (this.#live) return this.#nextLive();
    const presence = presenceOf(state);
    if (presence === 'deleted') {
      this.#live = true;
      return this.#nextLive();
    }
    if (presence === 'not-found') return { kind: 'nothing' };
    const records = readForward(this.#log, state, this.#nextRevision, READ_PAGE, this.#nowMs());
    if (records.length > 0) return this.#passed(records);
    this.#nextRevision = Math.max(this.#nextRevision, state.last + 1);
    this.#live = true;
    return this.#nextLive();
  }

  onNews(wake: () => void): () => void {
    return this.#log.news.onStream(this.#stream, wake);
  }

  backlog(): number {
    return Math.max(0, this.#log.states.of(this.#stream).last + 1 - this.#nextRevision);
  }

  fellBehind(): void {
    this.#live = false;
    this.#saidCaughtUp = false;
  }

  #nextLive(): Finding {
    const state = this.#log.states.of(this.#stream);
    if (!this.#saidCaughtUp && (state.last < this.#nextRevision || state.tombstoned)) {
      this.#saidCaughtUp = true;
      if (!state.tombstoned) return { kind: 'caught-up' };
    }
    if (this.#sawTombstone) return { kind: 'deleted' };
    if (state.id === undefined) return { kind: 'nothing' };
    const records = this.#log.rows.forward(state.id, this.#nextRevision, TOMBSTONE_REVISION, READ_PAGE);
    if (records.length > 0) return this.#passed(records);
    return state.tombstoned ? { kind: 'deleted' } : { kind: 'nothing' };
  }

  #passed(records: readonly LogRecord[]): Finding {
    const last = records.at(-1);
    if (last?.revision === TOMBSTONE_REVISION) this.#sawTombstone = true;
    else if (last !== undefined) this.#nextRevision = last.revision + 1;
    return { kind: 'events', records };
  }
}

/** A filter with what it takes to report progress where nothing passes it. */
export interface FilterWindow {
  readonly accepts: EventFilter;
  /** Events looked at between two checkpoints. */
  readonly checkpointEvery: number;
}

/** Follows the whole log, through a filter if there is one. */
export class AllFollower implements Follower {
  readonly #log: EventLog;
  readonly #window: FilterWindow | undefined;
  readonly #page: PageLimit;
  #position: number;
  #considered = 0;
  #saidCaughtUp = false;
  #ready: Finding[] = [];

  /** @param after position behind which to begin */
  constructor(log: EventLog, after: number, window: FilterWindow | undefined, page: PageLimit = READ_PAGE) {
    this.#log = log;
    this.#position = after;
    this.#window = window;
    this.#page = page;
  }

  next(): Finding {
    const ready = this.#ready.shift();
    if (ready !== undefined) return ready;
    const records = this.#log.rows.allAfter(this.#position, this.#page);
    const last = records.at(-1);
    if (last === undefined) {
      if (this.#saidCaughtUp) return { kind: 'nothing' };
      this.#saidCaughtUp = true;
      return { kind: 'caught-up' };
    }
    this.#position = last.position;
    if (this.#window === undefined) return { kind: 'events', records };
    this.#ready = this.#sift(records, this.#window);
    return this.#ready.shift() ?? { kind: 'events', records: [] };
  }

  onNews(wake: () => void): () => void {
    return this.#log.news.onAny(wake);
  }

  backlog(): number {
    return Math.max(0, this.#log.lastPosition - this.#position);
  }

  fellBehind(): void {
    this.#saidCaughtUp = false;
  }

  #sift(records: readonly LogRecord[], window: FilterWindow): Finding[] {
    const findings: Finding[] = [];
    let accepted: LogRecord[] = [];
    const flush = (): void => {
      if (accepted.length > 0) findings.push({ kind: 'events', records: accepted });
      accepted = [];
    };
    for (const record of records) {
      if (window.accepts(record)) accepted.push(record);
      this.#considered += 1;
      if (this.#considered < window.checkpointEvery) continue;
      this.#considered = 0;
      flush();
      findings.push({ kind: 'checkpoint', position: record.position });
    }
    flush();
    return findings;
  }
}
