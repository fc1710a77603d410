import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { answersSql, createDatabase, hasDatabase } from './database.js';
import { freePort } from './free-port.js';
import { installedProgram } from './installed-program.js';
import { LocalStackError } from './local-stack.errors.js';
import { type PostgresHome, preparePostgresHome } from './postgres-home.js';
import type { ServerContext, StartedServer } from './server-context.js';
import { type ServerProcess, startServerProcess, untilReady } from './server-process.js';

const run = promisify(execFile);

const INITDB_MS = 60_000;
const READY_MS = 30_000;
const MAX_PORT_TRIES = 5;
const MAX_CONNECTIONS = 200;

/** The role and the database that services use by default. */
const OWNER = 'landfall';

/**
 * Starts PostgreSQL on a free loopback port with a password of its own, and makes the database `landfall`.
 *
 * @param nextPort asked for another port when the one it gave turns out to be taken
 * @throws LocalStackError
 */
export async function startPostgres(context: ServerContext, nextPort = freePort): Promise<StartedServer> {
  const home = await preparePostgresHome(context);
  const data = join(home.path, 'data');
  if (!existsSync(data)) await initialise(context, home, data);
  await removeStaleLock(data);
  const { server, port } = await startOnFreePort(context, home, data, nextPort);
  const urlOf = (database: string) => `postgres://${OWNER}:${home.password}@127.0.0.1:${port}/${database}`;
  try {
    if (!(await hasDatabase(urlOf('postgres'), OWNER))) await createDatabase(urlOf('postgres'), OWNER);
  } catch (error) {
    await server.stop();
    throw error;
  }
  server.onLost(() => context.onLost('postgres'));
  return { url: urlOf(OWNER), stop: () => server.stop() };
}

/** Initialises beside the data folder and renames: one that was cut off is never taken for a whole one. */
async function initialise(context: ServerContext, home: PostgresHome, data: string): Promise<void> {
  const unfinished = `${data}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  const { account } = home;
  const asAccount = account === undefined ? [] : [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
  const args = ['-D', unfinished, '-U', OWNER, '--auth=scram-sha-256', `--pwfile=${home.passwordFile}`];
  const encoding = ['--encoding=UTF8', '--locale=C', ...(context.isDisposable ? ['--no-sync'] : [])];
  const program = installedProgram('initdb', 'postgresql', context.path);
  try {
    await run(context.setpriv, [...asAccount, '--pdeathsig', 'KILL', program, ...args, ...encoding], {
      cwd: '/',
      env: { PATH: context.path },
      timeout: INITDB_MS,
    });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new LocalStackError('STACK.START_FAILED', `PostgreSQL's data folder could not be made: ${text}`, {
      cause: error,
    });
  }
  await rename(unfinished, data);
}

/**
 * After a crash PostgreSQL's own lock file may name an id that by now belongs to a foreign process, which would
 * keep it from starting. Only that case is ours; whether a real PostgreSQL lives, it finds out itself.
 */
async function removeStaleLock(data: string): Promise<void> {
  const lockFile = join(data, 'postmaster.pid');
  const pid = (await readFile(lockFile, 'utf8').catch(() => '')).split('\n')[0] ?? '';
  if (!/^\d+$/.test(pid) || !existsSync(`/proc/${pid}`)) return;
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  if (!commandLine.split('\0').includes(data)) await rm(lockFile, { force: true });
}

async function startOnFreePort(
  context: ServerContext,
  home: PostgresHome,
  data: string,
  nextPort: () => Promise<number>,
) {
  const program = installedProgram('postgres', 'postgresql', context.path);
  for (let tries = 1; ; tries += 1) {
    const port = await nextPort();
    const server = await startPostmaster(context, home, program, data, port);
    const url = `postgres://${OWNER}:${home.password}@127.0.0.1:${port}/postgres`;
    try {
      await untilReady(server, 'PostgreSQL', () => answersSql(url), READY_MS);
      return { server, port };
    } catch (error) {
      const isPortTaken = (await server.lastLog()).includes('Address already in use');
      if (!isPortTaken || tries === MAX_PORT_TRIES) throw error;
    }
  }
}

function startPostmaster(
  context: ServerContext,
  home: PostgresHome,
  program: string,
  data: string,
  port: number,
): Promise<ServerProcess> {
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    `max_connections=${MAX_CONNECTIONS}`,
    ...(context.isDisposable ? ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'] : []),
  ];
  return startServerProcess(context.folder, {
    name: 'postgres',
    program,
    args: ['-D', data, ...settings.flatMap((setting) => ['-c', setting])],
    env: { PATH: context.path },
    account: home.account,
    // For PostgreSQL: end connections and stop. SIGTERM would wait until everyone has left.
    endSignal: 'SIGINT',
    setpriv: context.setpriv,
  });
}
