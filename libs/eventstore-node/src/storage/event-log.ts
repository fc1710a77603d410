import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { AcknowledgedMark } from './acknowledged-mark.js';
import { CommitNews } from './commit-news.js';
import { DataFolderError, openEventDatabase } from './event-database.js';
import { EventRows } from './event-rows.js';
import { RecentEvents } from './recent-events.js';
import { EventType, TOMBSTONE_REVISION, type LogRecord, type NewEvent } from './record.js';
import { StreamStates, type StreamState } from './stream-states.js';

/** Most requests committed together. */
const GROUP_LIMIT = 512;
/** Ids remembered for repeats without an exact revision, and how many of them are read back at start. */
const RECENT_IDS = 50_000;
const RECENT_IDS_AT_START = 5_000;

/**
 * SQLite's codes for a failed flush. The operating system may have dropped the bytes and call the next flush a success,
 * so after one of these nothing more is acknowledged.
 */
const FLUSH_FAILED = [1034, 1290];

/** The node is closing or closed and takes no more requests. */
export class LogClosedError extends Error {
  override readonly name = 'LogClosedError';
}

/** The disk refused the commit (full, or failing). Nothing of the request was written. */
export class LogWriteError extends Error {
  override readonly name = 'LogWriteError';
}

interface Work {
  readonly run: () => void;
  readonly done: () => void;
  readonly failed: (error: Error) => void;
}

/**
 * The log: all events in commit order, durable when a write is answered.
 *
 * Writes queue up while the event loop reads requests and are then committed together, with one flush for all
 * (group commit). Within a group each request sees what those before it wrote.
 */
export class EventLog {
  readonly news = new CommitNews();
  readonly rows: EventRows;
  readonly states: StreamStates;
  readonly recent = new RecentEvents(RECENT_IDS);
  readonly #database: DatabaseSync;
  readonly #mark: AcknowledgedMark;
  readonly #now: () => number;
  #queue: Work[] = [];
  #scheduled = false;
  #written: LogRecord[] = [];
  #lastPosition = 0;
  #committedPosition = 0;
  #issuedUpTo = 0;
  #lastCreatedMs = 0;
  #closed = false;
  #unsafe = false;

  private constructor(database: DatabaseSync, mark: AcknowledgedMark, now: () => number) {
    this.#database = database;
    this.#mark = mark;
    this.#now = now;
    this.rows = new EventRows(database);
    this.states = new StreamStates(this.rows);
  }

  /**
   * @param folder the data folder, created when missing
   * @param now milliseconds since the Unix epoch
   * @throws DataFolderError when the folder is in use, damaged, or lost events that were acknowledged
   */
  static open(folder: string, now: () => number = Date.now): EventLog {
    const database = openEventDatabase(folder);
    const mark = AcknowledgedMark.open(folder);
    try {
      const log = new EventLog(database, mark, now);
      log.#recover(folder);
      return log;
    } catch (error) {
      mark.close();
      database.close();
      if (error instanceof DataFolderError) throw error;
      throw new DataFolderError(`${folder} is damaged: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Position of the newest committed event or issued position; 0 when nothing was ever written. */
  get lastPosition(): number {
    return this.#committedPosition;
  }

  /**
   * Runs `decide` in the next group and answers when its writes are on the disk.
   *
   * @throws LogWriteError when the disk refuses; LogClosedError after `close`
   */
  write<T>(decide: (writer: LogWriter) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) {
        reject(new LogClosedError('the node is shutting down'));
        return;
      }
      let result: { value: T } | undefined;
      this.#queue.push({
        run: () => {
          result = { value: decide(this.#writer) };
        },
        done: () => {
          if (result !== undefined) resolve(result.value);
        },
        failed: reject,
      });
      this.#schedule();
    });
  }

  /** Commits what is queued and closes the files. */
  close(): void {
    if (this.#closed) return;
    while (this.#queue.length > 0) this.#commitGroup();
    this.#closed = true;
    this.#mark.close();
    this.#database.close();
  }

  readonly #writer: LogWriter = {
    state: (stream) => this.states.of(stream),
    append: (state, events) => {
      let last = this.#lastPosition;
      for (const event of events) last = this.#insert(state, state.last + 1, event).position;
      return last;
    },
    tombstone: (state) =>
      this.#insert(state, TOMBSTONE_REVISION, {
        id: randomUUID(),
        type: EventType.StreamDeleted,
        isJson: false,
        data: new Uint8Array(0),
        metadata: new Uint8Array(0),
      }).position,
    takePosition: () => {
      this.#lastPosition += 1;
      this.#issuedUpTo = this.#lastPosition;
      return this.#lastPosition;
    },
  };

  #insert(state: StreamState, revision: number, event: NewEvent): LogRecord {
    state.id ??= this.rows.createStream(state.name);
    this.#lastPosition += 1;
    this.#lastCreatedMs = Math.max(this.#lastCreatedMs, this.#now());
    const record: LogRecord = {
      position: this.#lastPosition,
      stream: state.name,
      revision,
      id: event.id,
      type: event.type,
      isJson: event.isJson,
      createdMs: this.#lastCreatedMs,
      data: event.data,
      metadata: event.metadata,
    };
    this.rows.insert(state.id, record);
    this.states.wrote(state, record);
    this.recent.add(record.id, { stream: record.stream, revision });
    this.#written.push(record);
    return record;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#closed) return;
      this.#commitGroup();
      if (this.#queue.length > 0) this.#schedule();
    });
  }

  #commitGroup(): void {
    const group = this.#queue.splice(0, GROUP_LIMIT);
    const error = this.#commit(group);
    if (error === undefined) {
      for (const work of group) work.done();
    } else if (group.length === 1) {
      group[0]?.failed(error);
    } else {
      // One of them cannot be written; alone, the others may still be.
      for (const work of group) {
        const own = this.#commit([work]);
        if (own === undefined) work.done();
        else work.failed(own);
      }
    }
  }

  #commit(group: readonly Work[]): Error | undefined {
    if (this.#unsafe) return new LogWriteError('the disk failed to flush; restart the node to see what it kept');
    this.#written = [];
    this.#issuedUpTo = 0;
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const work of group) work.run();
      if (this.#issuedUpTo > 0) {
        this.#database.prepare('UPDATE issued_position SET position = ?').run(this.#issuedUpTo);
      }
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#rollBack();
      if (!(error instanceof Error && 'errcode' in error)) return asError(error);
      this.#unsafe ||= FLUSH_FAILED.some((code) => code === error.errcode);
      return new LogWriteError(error.message);
    }
    if (this.#lastPosition > this.#committedPosition) {
      this.#committedPosition = this.#lastPosition;
      this.#mark.write(this.#lastPosition);
    }
    if (this.#written.length > 0) this.news.tell(this.#written);
    return undefined;
  }

  #rollBack(): void {
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    this.#lastPosition = this.#committedPosition;
    this.states.forget();
    this.rows.forget();
    this.recent.clear();
  }

  #recover(folder: string): void {
    const issued = this.#database.prepare('SELECT position FROM issued_position').get();
    const newest = this.rows.allBefore(Number.MAX_SAFE_INTEGER, { events: RECENT_IDS_AT_START, bytes: 16_000_000 });
    this.#lastPosition = Math.max(newest[0]?.position ?? 0, Number(issued?.['position'] ?? 0));
    this.#committedPosition = this.#lastPosition;
    this.#lastCreatedMs = newest[0]?.createdMs ?? 0;
    const acknowledged = this.#mark.read();
    if (acknowledged > this.#lastPosition) {
      throw new DataFolderError(
        `${folder} has lost events: position ${acknowledged} was acknowledged, the log ends at ${this.#lastPosition}; ` +
          'restore the data folder from a backup',
      );
    }
    for (const record of newest.reverse()) {
      this.recent.add(record.id, { stream: record.stream, revision: record.revision });
    }
  }
}

/** What a decision may do inside a group. Valid only while the decision runs. */
export interface LogWriter {
  readonly state: (stream: string) => StreamState;
  /** Appends behind the newest event. @returns the position of the last event written */
  readonly append: (state: StreamState, events: readonly NewEvent[]) => number;
  /** Ends the stream for ever. @returns the position of its `$streamDeleted` event */
  readonly tombstone: (state: StreamState) => number;
  /** A position of its own for a request that writes nothing. */
  readonly takePosition: () => number;
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
