import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** What SQLite does alone with as many bytes, as durably: no server may be faster with it. */
export class SqliteFloor {
  readonly #database: DatabaseSync;
  readonly #content: Buffer;
  #position = 0;

  constructor(folder: string, contentBytes: number) {
    mkdirSync(folder, { recursive: true });
    this.#database = new DatabaseSync(join(folder, 'floor.sqlite'));
    this.#content = Buffer.alloc(contentBytes, 'x');
    for (const pragma of [
      'locking_mode = EXCLUSIVE',
      'journal_mode = WAL',
      'synchronous = FULL',
      'wal_autocheckpoint = 4000',
    ]) {
      this.#database.exec(`PRAGMA ${pragma}`);
    }
    this.#database.exec(
      'CREATE TABLE event (position INTEGER PRIMARY KEY, stream_id INTEGER, revision INTEGER, id TEXT, content BLOB);' +
        'CREATE UNIQUE INDEX event_of_stream ON event (stream_id, revision);',
    );
  }

  /** Events per second with `perCommit` events in one transaction. */
  rate(events: number, perCommit: number): number {
    const insert = this.#database.prepare('INSERT INTO event VALUES (?, 1, ?, ?, ?)');
    const startedMs = performance.now();
    for (let done = 0; done < events; done += perCommit) {
      this.#database.exec('BEGIN IMMEDIATE');
      for (let index = 0; index < perCommit; index += 1) {
        this.#position += 1;
        insert.run(this.#position, this.#position, randomUUID(), this.#content);
      }
      this.#database.exec('COMMIT');
    }
    return events / ((performance.now() - startedMs) / 1000);
  }

  readRate(events: number): number {
    const read = this.#database.prepare('SELECT * FROM event ORDER BY position LIMIT ?');
    const startedMs = performance.now();
    let count = 0;
    for (const _ of read.iterate(events)) count += 1;
    return count / ((performance.now() - startedMs) / 1000);
  }

  close(): void {
    this.#database.close();
  }
}
