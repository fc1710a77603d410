import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const FILE = 'events.sqlite';
/** "LfEn" in ASCII: tells our files from any other SQLite file. */
const APPLICATION_ID = 0x4c66456e;
const SCHEMA_VERSION = 1;
const HEADER_BYTES = 100;

/** The data folder cannot be used; the text says why and what to do. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
}

const SCHEMA = `
  CREATE TABLE stream (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  );
  CREATE TABLE event (
    position INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    is_json INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    digest INTEGER NOT NULL,
    metadata BLOB NOT NULL,
    data BLOB NOT NULL
  );
  CREATE UNIQUE INDEX event_of_stream ON event (stream_id, revision);
  CREATE TABLE issued_position (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    position INTEGER NOT NULL
  );
  INSERT INTO issued_position VALUES (1, 0);
`;

/**
 * Opens (or creates) the database of a data folder and takes it for this process alone. The lock is the operating
 * system's, so it ends with the process, however that ends.
 *
 * @throws DataFolderError when another process holds it, or when it is not ours, too new, torn or corrupt.
 */
export function openEventDatabase(folder: string): DatabaseSync {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, FILE);
  const isNew = !existsSync(path) || statSync(path).size === 0;
  if (!isNew) refuseTornFile(path);
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  try {
    takeExclusively(database);
    if (readNumber(database, 'PRAGMA application_id') === 0 && countTables(database) === 0) createSchema(database);
    checkSchema(database, path);
    if (isNew) {
      syncFolder(folder);
      syncFolder(dirname(resolve(folder)));
    }
    return database;
  } catch (error) {
    database.close();
    throw explained(error, path);
  }
}

function takeExclusively(database: DatabaseSync): void {
  database.exec('PRAGMA locking_mode = EXCLUSIVE');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  // 16 MiB between checkpoints: fewer interruptions than SQLite's 4 MiB, still a short recovery.
  database.exec('PRAGMA wal_autocheckpoint = 4000');
  database.exec('PRAGMA journal_size_limit = 67108864');
  database.exec('PRAGMA cache_size = -8000');
  // The first write takes the lock that the exclusive mode then keeps.
  database.exec('BEGIN IMMEDIATE; COMMIT');
}

function createSchema(database: DatabaseSync): void {
  database.exec(
    `BEGIN; ${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`,
  );
}

function checkSchema(database: DatabaseSync, path: string): void {
  if (readNumber(database, 'PRAGMA application_id') !== APPLICATION_ID) {
    throw new DataFolderError(`${path} is a SQLite file of another program; choose another data folder`);
  }
  const version = readNumber(database, 'PRAGMA user_version');
  if (version !== SCHEMA_VERSION) {
    throw new DataFolderError(`${path} has format ${version}, this program reads format ${SCHEMA_VERSION}`);
  }
}

function readNumber(database: DatabaseSync, sql: string): number {
  const row = database.prepare(sql).get() ?? {};
  return Number(Object.values(row)[0] ?? 0);
}

const countTables = (database: DatabaseSync): number =>
  readNumber(database, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'");

/** A file shorter than its own header says was cut; SQLite itself would notice only when it reaches the missing part. */
function refuseTornFile(path: string): void {
  const header = Buffer.alloc(HEADER_BYTES);
  const file = openSync(path, 'r');
  const length = readSync(file, header, 0, HEADER_BYTES, 0);
  closeSync(file);
  const damaged = (what: string): DataFolderError =>
    new DataFolderError(`${path} is damaged (${what}); restore the data folder from a backup`);
  if (length < HEADER_BYTES || header.toString('latin1', 0, 15) !== 'SQLite format 3')
    throw damaged('no SQLite header');
  const declared = header.readUInt16BE(16);
  const pageBytes = declared === 1 ? 65536 : declared;
  const expectedBytes = header.readUInt32BE(28) * pageBytes;
  const hasLog = existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 0;
  if (!hasLog && statSync(path).size < expectedBytes) {
    throw damaged(`${statSync(path).size} of ${expectedBytes} bytes are there`);
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function explained(error: unknown, path: string): Error {
  if (error instanceof DataFolderError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (/database is locked/i.test(text)) {
    return new DataFolderError(`${path} is in use by another process; one data folder serves one node at a time`);
  }
  if (/malformed|not a database|disk image/i.test(text)) {
    return new DataFolderError(`${path} is damaged (${text}); restore the data folder from a backup`);
  }
  return new DataFolderError(`${path} cannot be opened: ${text}`);
}
