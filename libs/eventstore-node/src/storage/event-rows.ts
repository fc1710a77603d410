import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { BoundedMap } from './bounded-map.js';
import { asSafe, type LogRecord, type NewEvent } from './record.js';

const NAMES_KEPT = 10_000;
const COLUMNS = 'position, stream_id, revision, event_id, type, is_json, created_ms, digest, metadata, data';

/** A stored event does not match its digest: the file was damaged after it was written. */
export class CorruptRecordError extends Error {
  override readonly name = 'CorruptRecordError';
}

/** Which rows a page may hold; the byte bound keeps one page of large events from filling the memory. */
export interface PageLimit {
  readonly events: number;
  readonly bytes: number;
}

/** The statements on the event and stream tables, and the translation between rows and records. */
export class EventRows {
  readonly #insertStream: StatementSync;
  readonly #streamIdByName: StatementSync;
  readonly #streamNameById: StatementSync;
  readonly #insertEvent: StatementSync;
  readonly #lastRevision: StatementSync;
  readonly #one: StatementSync;
  readonly #idAt: StatementSync;
  readonly #createdAt: StatementSync;
  readonly #streamForward: StatementSync;
  readonly #streamBackward: StatementSync;
  readonly #allForward: StatementSync;
  readonly #allBackward: StatementSync;
  readonly #idByName = new BoundedMap<string, number>(NAMES_KEPT);
  readonly #nameById = new BoundedMap<number, string>(NAMES_KEPT);

  constructor(database: DatabaseSync) {
    const prepare = (sql: string): StatementSync => {
      const statement = database.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    const events = (where: string): StatementSync => prepare(`SELECT ${COLUMNS} FROM event WHERE ${where}`);
    this.#insertStream = prepare('INSERT INTO stream (name) VALUES (?) RETURNING id');
    this.#streamIdByName = prepare('SELECT id FROM stream WHERE name = ?');
    this.#streamNameById = prepare('SELECT name FROM stream WHERE id = ?');
    this.#insertEvent = prepare(`INSERT INTO event (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#lastRevision = prepare('SELECT revision FROM event WHERE stream_id = ? ORDER BY revision DESC LIMIT 1');
    this.#one = events('stream_id = ? AND revision = ?');
    this.#idAt = prepare('SELECT event_id, position FROM event WHERE stream_id = ? AND revision = ?');
    this.#createdAt = prepare('SELECT created_ms FROM event WHERE stream_id = ? AND revision = ?');
    this.#streamForward = events('stream_id = ? AND revision BETWEEN ? AND ? ORDER BY revision LIMIT ?');
    this.#streamBackward = events('stream_id = ? AND revision BETWEEN ? AND ? ORDER BY revision DESC LIMIT ?');
    this.#allForward = events('position > ? ORDER BY position LIMIT ?');
    this.#allBackward = events('position < ? ORDER BY position DESC LIMIT ?');
  }

  streamId(name: string): number | undefined {
    const known = this.#idByName.get(name);
    if (known !== undefined) return known;
    const id = firstNumber(this.#streamIdByName, name);
    if (id !== undefined) this.#remember(id, name);
    return id;
  }

  createStream(name: string): number {
    const id = firstNumber(this.#insertStream, name);
    if (id === undefined) throw new Error('SQLite returned no id for a new stream');
    this.#remember(id, name);
    return id;
  }

  /** Forgets what may have been rolled back. */
  forget(): void {
    this.#idByName.clear();
    this.#nameById.clear();
  }

  insert(streamId: number, record: LogRecord): void {
    this.#insertEvent.run(
      record.position,
      streamId,
      record.revision,
      record.id,
      record.type,
      record.isJson ? 1 : 0,
      record.createdMs,
      digestOf(streamId, record),
      record.metadata,
      record.data,
    );
  }

  lastRevision(streamId: number): number | undefined {
    return firstNumber(this.#lastRevision, streamId);
  }

  one(streamId: number, revision: number): LogRecord | undefined {
    return this.#page(this.#one, [streamId, revision], { events: 1, bytes: Infinity })[0];
  }

  identityAt(streamId: number, revision: number): { id: string; position: number } | undefined {
    const row = valuesOf(this.#idAt.get(streamId, revision));
    return row === undefined ? undefined : { id: text(row[0]), position: integer(row[1]) };
  }

  createdMs(streamId: number, revision: number): number | undefined {
    return firstNumber(this.#createdAt, streamId, revision);
  }

  /** Events of a stream with revisions `from` to `to`, both included. */
  forward(streamId: number, from: number, to: number, limit: PageLimit): LogRecord[] {
    return this.#page(this.#streamForward, [streamId, from, to, limit.events], limit);
  }

  backward(streamId: number, from: number, downTo: number, limit: PageLimit): LogRecord[] {
    return this.#page(this.#streamBackward, [streamId, downTo, from, limit.events], limit);
  }

  /** Events of the whole log behind `position`, which is excluded. */
  allAfter(position: number, limit: PageLimit): LogRecord[] {
    return this.#page(this.#allForward, [position, limit.events], limit);
  }

  allBefore(position: number, limit: PageLimit): LogRecord[] {
    return this.#page(this.#allBackward, [position, limit.events], limit);
  }

  #page(statement: StatementSync, parameters: number[], limit: PageLimit): LogRecord[] {
    const records: LogRecord[] = [];
    let bytes = 0;
    for (const row of statement.iterate(...parameters)) {
      const record = this.#record(valuesOf(row) ?? []);
      records.push(record);
      bytes += record.data.length + record.metadata.length;
      if (bytes >= limit.bytes) break;
    }
    return records;
  }

  #record(row: readonly SQLOutputValue[]): LogRecord {
    const streamId = integer(row[1]);
    const record: LogRecord = {
      position: integer(row[0]),
      stream: this.#streamName(streamId),
      revision: integer(row[2]),
      id: text(row[3]),
      type: text(row[4]),
      isJson: row[5] === 1,
      createdMs: integer(row[6]),
      metadata: bytesOf(row[8]),
      data: bytesOf(row[9]),
    };
    if (digestOf(streamId, record) !== row[7]) {
      throw new CorruptRecordError(
        `event at position ${record.position} does not match its digest: the file is damaged`,
      );
    }
    return record;
  }

  #streamName(id: number): string {
    const known = this.#nameById.get(id);
    if (known !== undefined) return known;
    const row = valuesOf(this.#streamNameById.get(id));
    if (row === undefined) throw new CorruptRecordError(`stream ${id} has events but no name: the file is damaged`);
    const name = text(row[0]);
    this.#remember(id, name);
    return name;
  }

  #remember(id: number, name: string): void {
    this.#idByName.set(name, id);
    this.#nameById.set(id, name);
  }
}

function digestOf(
  streamId: number,
  record: NewEvent & { position: number; revision: number; createdMs: number },
): number {
  const head = `${record.position}/${streamId}/${record.revision}/${record.createdMs}/${record.isJson}/${record.id}/${record.type}`;
  return crc32(record.data, record.metadata.length === 0 ? crc32(head) : crc32(record.metadata, crc32(head)));
}

/** With `setReturnArrays` rows are arrays, which the types of node:sqlite do not know. */
function valuesOf(row: unknown): readonly SQLOutputValue[] | undefined {
  return row as readonly SQLOutputValue[] | undefined;
}

function firstNumber(statement: StatementSync, ...parameters: (string | number)[]): number | undefined {
  const row = valuesOf(statement.get(...parameters));
  return row === undefined ? undefined : integer(row[0]);
}

const integer = (value: SQLOutputValue | undefined): number => asSafe(Number(value));

const text = (value: SQLOutputValue | undefined): string => (typeof value === 'string' ? value : '');

const EMPTY = new Uint8Array(0);
const bytesOf = (value: SQLOutputValue | undefined): Uint8Array => (value instanceof Uint8Array ? value : EMPTY);
