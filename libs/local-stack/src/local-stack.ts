import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createDatabase, dropDatabase } from './database.js';
import { startEventNode } from './event-node.server.js';
import { installedProgram } from './installed-program.js';
import { startNats } from './nats.server.js';
import { farHome } from './postgres-home.js';
import { startPostgres } from './postgres.server.js';
import type { ServerContext, StartedServer } from './server-context.js';
import { takeStackFolder } from './stack-folder.js';

export type LocalStackOptions = {
  /** Data, logs and pid files go here; made when missing. One living stack per folder. */
  readonly folder: string;
  /** `EVENTSTORE_URL`, `NATS_URL` and `DATABASE_URL`: such a server is used and none of that kind is started. */
  readonly env: NodeJS.ProcessEnv;
  /** For tests: data need not survive a power cut, and stop() removes it together with the folder. */
  readonly isDisposable?: boolean;
  /** Tells a person what is worth knowing; stderr unless given. */
  readonly report?: (line: string) => void;
  /** A server ended without having been asked to: nothing works from here on. Reported unless given. */
  readonly onServerLost?: (name: string) => void;
};

export type LocalStack = {
  /** For `@eventstore/db-client`. */
  readonly eventStoreUrl: string;
  readonly natsUrl: string;
  /** Database `landfall`, with an account that may create databases. */
  readonly databaseUrl: string;
  /**
   * @param name lower case letters, digits and `_`
   * @returns URL of a new, empty database, dropped again by stop()
   */
  readonly createDatabase: (name: string) => Promise<string>;
  /** Ends what was started, and nothing else. May be called twice. */
  readonly stop: () => Promise<void>;
};

/**
 * Starts the event node, NATS and PostgreSQL on free loopback ports, except those that `env` names.
 * They end with this process, whatever ends it; no signal handler is needed.
 * Call it on the main thread: the kernel ties the servers to the thread that started them.
 *
 * @throws LocalStackError when one of them cannot be started; those that were are ended again
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const { env } = options;
  const report = options.report ?? ((line: string) => console.error(line));
  const path = env['PATH'] ?? '';
  const setpriv = installedProgram('setpriv', 'util-linux', path);
  const folder = await takeStackFolder(resolve(options.folder));
  const context: ServerContext = {
    folder,
    path,
    setpriv,
    report,
    isDisposable: options.isDisposable ?? false,
    onLost: options.onServerLost ?? ((name) => report(`${name} ended unexpectedly; see ${folder.path}/${name}.log`)),
  };
  const givenOr = (variable: string, start: (context: ServerContext) => Promise<StartedServer>) => {
    const url = env[variable];
    return url === undefined || url === '' ? start(context) : Promise.resolve(givenServer(url));
  };
  const results = await Promise.allSettled([
    givenOr('EVENTSTORE_URL', startEventNode),
    givenOr('NATS_URL', startNats),
    givenOr('DATABASE_URL', (toStart) => startPostgres(toStart)),
  ]);
  const [eventStore, nats, postgres] = results;
  const servers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  if (eventStore.status === 'rejected' || nats.status === 'rejected' || postgres.status === 'rejected') {
    await endAll(context, servers);
    throw results.find((result) => result.status === 'rejected')?.reason;
  }
  return runningStack(context, servers, {
    eventStoreUrl: eventStore.value.url,
    natsUrl: nats.value.url,
    databaseUrl: postgres.value.url,
  });
}

/** A server that is not ours: we only know where it is. */
function givenServer(url: string): StartedServer {
  return { url, stop: async () => undefined };
}

function runningStack(
  context: ServerContext,
  servers: readonly StartedServer[],
  urls: Pick<LocalStack, 'eventStoreUrl' | 'natsUrl' | 'databaseUrl'>,
): LocalStack {
  const created = new Set<string>();
  const stop = async () => {
    // On a server that is not ours they would stay behind.
    for (const name of created) await dropDatabase(urls.databaseUrl, name).catch((error: unknown) => tell(name, error));
    created.clear();
    await endAll(context, servers);
  };
  const tell = (name: string, error: unknown) => context.report(`database ${name} was not dropped: ${String(error)}`);
  let stopping: Promise<void> | undefined;
  return {
    ...urls,
    createDatabase: async (name) => {
      const url = await createDatabase(urls.databaseUrl, name);
      created.add(name);
      return url;
    },
    stop: () => (stopping ??= stop()),
  };
}

async function endAll(context: ServerContext, servers: readonly StartedServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
  if (context.isDisposable) await removeData(context.folder.path);
  else await context.folder.release();
}

/**
 * Removes what a stack left in its folder, servers that outlived a crash included.
 *
 * @throws LocalStackError `STACK.FOLDER_IN_USE` when the stack lives
 */
export async function removeLocalStack(folder: string): Promise<void> {
  const { path } = await takeStackFolder(resolve(folder));
  await removeData(path);
}

async function removeData(folder: string): Promise<void> {
  for (const path of [farHome(folder), folder]) await rm(path, { recursive: true, force: true });
}
