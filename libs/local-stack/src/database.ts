import { Client } from 'pg';

/** A subset of what PostgreSQL accepts: names that need no thought about quoting or case. */
const DATABASE_NAME = /^[a-z][a-z0-9_]{0,62}$/;
const CONNECT_MS = 5_000;

function quoted(name: string): string {
  if (!DATABASE_NAME.test(name)) throw new RangeError(`not a database name: ${JSON.stringify(name)}`);
  return `"${name}"`;
}

/** @returns the number of rows */
async function run(databaseUrl: string, statement: string, values: readonly string[] = []): Promise<number> {
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: CONNECT_MS });
  // A connection lost between statements is told by the next statement.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(statement, [...values])).rowCount ?? 0;
  } finally {
    await client.end();
  }
}

/**
 * Creates an empty database on the server of another one.
 *
 * @param databaseUrl any database of the server, with an account that may create databases
 * @param name lower case letters, digits and `_`, at most 63
 * @returns the new database's URL
 * @throws RangeError for another name; the driver's error when the name is taken
 */
export async function createDatabase(databaseUrl: string, name: string): Promise<string> {
  await run(databaseUrl, `CREATE DATABASE ${quoted(name)}`);
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return url.toString();
}

/**
 * Drops a database and ends the connections to it; harmless when there is none of that name.
 *
 * @param databaseUrl another database of the same server
 */
export async function dropDatabase(databaseUrl: string, name: string): Promise<void> {
  await run(databaseUrl, `DROP DATABASE IF EXISTS ${quoted(name)} WITH (FORCE)`);
}

/** @returns whether the server has a database of that name */
export async function hasDatabase(databaseUrl: string, name: string): Promise<boolean> {
  return (await run(databaseUrl, 'SELECT 1 FROM pg_database WHERE datname = $1', [name])) > 0;
}

/** @returns whether the server lets us in and answers a query */
export async function answersSql(databaseUrl: string): Promise<boolean> {
  try {
    await run(databaseUrl, 'SELECT 1');
    return true;
  } catch {
    return false;
  }
}
