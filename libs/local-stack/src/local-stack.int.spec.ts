import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createDatabase, hasDatabase } from './database.js';
import { freePort } from './free-port.js';
import { installedProgram } from './installed-program.js';
import { type LocalStack, type LocalStackOptions, removeLocalStack, startLocalStack } from './local-stack.js';
import { decodePidFile, encodePidFile } from './pid-file.codec.js';
import { startPostgres } from './postgres.server.js';
import { type ProcessIdentity, identifyProcess, isSameProcess } from './process-identity.js';
import { takeStackFolder } from './stack-folder.js';
import { waitFor } from './wait-for.js';

const COMPILED = join(import.meta.dirname, '../../../dist/libs/local-stack/src/index.js');
const END_MS = 20_000;

let folder: string;
const stacks: LocalStack[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  // Where the account of PostgreSQL can enter.
  folder = await mkdtemp(join(tmpdir(), 'landfall-stack-'));
  await chmod(folder, 0o755);
});

afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.stop();
  for (const child of children.splice(0)) {
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill('SIGKILL');
    await exited;
  }
  await removeLocalStack(folder);
});

const quiet = () => undefined;

/** Servers that are not the subject of a test are those of the level. */
const borrowed = () => ({
  PATH: process.env['PATH'],
  EVENTSTORE_URL: inject('eventStoreUrl'),
  NATS_URL: inject('natsUrl'),
  DATABASE_URL: inject('databaseUrl'),
});

async function start(options: Partial<LocalStackOptions> = {}): Promise<LocalStack> {
  const stack = await startLocalStack({ folder, env: { PATH: process.env['PATH'] }, report: quiet, ...options });
  stacks.push(stack);
  return stack;
}

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

/** The servers that the stack in the folder has recorded. */
async function recordedServers(): Promise<ProcessIdentity[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.server.pid'));
  const records = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return records.flatMap((text) => decodePidFile(text) ?? []);
}

async function lives(identity: ProcessIdentity): Promise<boolean> {
  return isSameProcess(identity, await identifyProcess(identity.pid));
}

async function sleeper(): Promise<ProcessIdentity> {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  children.push(child);
  const identity = await identifyProcess(child.pid!);
  return identity!;
}

describe('a local stack', () => {
  it('starts three servers that answer, and ends them', async () => {
    const stack = await start();
    const servers = await recordedServers();
    expect(servers).toHaveLength(3);
    expect(await query(stack.databaseUrl, 'SELECT current_database() AS name')).toEqual([{ name: 'landfall' }]);
    expect(stack.natsUrl).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
    expect(stack.eventStoreUrl).toMatch(/^esdb:\/\/127\.0\.0\.1:\d+\?tls=false$/);

    await stack.stop();
    expect(await Promise.all(servers.map(lives))).toEqual([false, false, false]);
    expect((await readdir(folder)).filter((name) => name.endsWith('.pid') || name.endsWith('.ports'))).toEqual([]);
  });

  it('finds its data again at the next start', async () => {
    const { EVENTSTORE_URL, NATS_URL, PATH } = borrowed();
    const env = { PATH, EVENTSTORE_URL, NATS_URL };
    const first = await start({ env });
    await query(first.databaseUrl, 'CREATE TABLE kept (id integer)');
    await first.stop();
    const second = await start({ env });
    expect(await query(second.databaseUrl, 'SELECT count(*)::int AS rows FROM kept')).toEqual([{ rows: 0 }]);
  });

  it('lets nobody in without the password', async () => {
    const { EVENTSTORE_URL, NATS_URL, PATH } = borrowed();
    const stack = await start({ env: { PATH, EVENTSTORE_URL, NATS_URL } });
    const url = new URL(stack.databaseUrl);
    url.password = 'guessed';
    await expect(query(url.toString(), 'SELECT 1')).rejects.toThrow(/password/);
  });

  it('uses the servers that the environment names, and starts none', async () => {
    const stack = await start({ env: borrowed() });
    expect(await recordedServers()).toEqual([]);
    expect([stack.eventStoreUrl, stack.natsUrl, stack.databaseUrl]).toEqual([
      inject('eventStoreUrl'),
      inject('natsUrl'),
      inject('databaseUrl'),
    ]);
  });

  it('drops the databases that it created on a server of others', async () => {
    const name = `stack_${process.pid}_${Date.now()}`;
    const stack = await start({ env: borrowed() });
    const url = await stack.createDatabase(name);
    expect(await query(url, 'SELECT current_database() AS name')).toEqual([{ name }]);
    await stack.stop();
    expect(await hasDatabase(inject('databaseUrl'), name)).toBe(false);
  });

  it('refuses a database name that would need quoting', async () => {
    await expect(createDatabase(inject('databaseUrl'), 'a"; DROP DATABASE landfall; --')).rejects.toThrow(RangeError);
  });

  it('refuses a folder whose owner lives', async () => {
    await start({ env: borrowed() });
    await expect(start({ env: borrowed() })).rejects.toMatchObject({ code: 'STACK.FOLDER_IN_USE' });
  });

  it('tells when a server is lost', async () => {
    const { DATABASE_URL, EVENTSTORE_URL, PATH } = borrowed();
    const lost: string[] = [];
    await start({ env: { PATH, EVENTSTORE_URL, DATABASE_URL }, onServerLost: (name) => lost.push(name) });
    const [nats] = await recordedServers();
    process.kill(nats!.pid, 'SIGKILL');
    expect(await waitFor(async () => lost.length > 0, END_MS)).toBe(true);
    expect(lost).toEqual(['nats']);
  });

  it('fails with the last lines of a server that cannot start, and ends the others', async () => {
    const { EVENTSTORE_URL, PATH } = borrowed();
    await writeFile(join(folder, 'nats'), 'in the way of the storage folder');
    await expect(start({ env: { PATH, EVENTSTORE_URL } })).rejects.toThrow(/nats-server ended.*\n(.*\n)*.*nats/);
    expect(await recordedServers()).toEqual([]);
    expect(existsSync(join(folder, 'owner.pid'))).toBe(false);
  });

  it('takes another port when one is taken by another program in between', async () => {
    const occupant = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const address = occupant.address();
    const taken = typeof address === 'object' && address !== null ? address.port : 0;
    const ports = [taken, await freePort()];
    const path = process.env['PATH'] ?? '';
    const stackFolder = await takeStackFolder(folder);
    const context = { folder: stackFolder, path, isDisposable: true, onLost: quiet, report: quiet };
    const server = await startPostgres(
      { ...context, setpriv: installedProgram('setpriv', 'util-linux', path) },
      async () => ports.shift() ?? 0,
    );
    try {
      expect(new URL(server.url).port).not.toBe(String(taken));
      expect(ports).toEqual([]);
      expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    } finally {
      await server.stop();
      await stackFolder.release();
      occupant.close();
    }
  });

  it.runIf(process.getuid?.() === 0)('keeps the data elsewhere when PostgreSQL cannot enter the folder', async () => {
    await chmod(folder, 0o700);
    const { EVENTSTORE_URL, NATS_URL, PATH } = borrowed();
    const lines: string[] = [];
    const env = { PATH, EVENTSTORE_URL, NATS_URL };
    const stack = await start({ env, isDisposable: true, report: (line) => lines.push(line) });
    const place = /its data is in (\S+)/.exec(lines.join('\n'))?.[1];
    expect(place).toBeDefined();
    expect(await query(stack.databaseUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await stack.stop();
    expect([existsSync(place!), existsSync(folder)]).toEqual([false, false]);
  });
});

describe('after a crash of the program that started a stack', () => {
  async function crashedProgram(signal: NodeJS.Signals): Promise<ProcessIdentity[]> {
    const program = `
      import { startLocalStack } from ${JSON.stringify(COMPILED)};
      await startLocalStack({ folder: ${JSON.stringify(folder)}, env: process.env });
      console.log('started');
      setInterval(() => {}, 1000);`;
    const { PATH } = borrowed();
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env: { PATH },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const first = await Promise.race([
      once(child.stdout, 'data').then(String),
      once(child, 'exit').then(() => 'ended'),
    ]);
    expect(first).toBe('started\n');
    const servers = await recordedServers();
    expect(await Promise.all(servers.map(lives))).toEqual([true, true, true]);
    child.kill(signal);
    await once(child, 'exit');
    return servers;
  }

  it.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
    'by %s no server is left, and the next start works',
    async (signal) => {
      const servers = await crashedProgram(signal);
      const areGone = async () => (await Promise.all(servers.map(lives))).every((isAlive) => !isAlive);
      expect(await waitFor(areGone, END_MS)).toBe(true);
      const stack = await start();
      expect(await query(stack.databaseUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    },
  );

  it('a server that lived on is ended by the next start', async () => {
    const leftover = await sleeper();
    await writeFile(join(folder, 'nats.server.pid'), encodePidFile(leftover));
    await start({ env: borrowed() });
    expect(await lives(leftover)).toBe(false);
    expect(existsSync(join(folder, 'nats.server.pid'))).toBe(false);
  });

  it('a foreign process that got the id of a server is left alone', async () => {
    const stranger = await sleeper();
    await writeFile(join(folder, 'nats.server.pid'), encodePidFile({ ...stranger, startTicks: '1' }));
    await writeFile(join(folder, 'owner.pid'), encodePidFile({ ...stranger, startTicks: '1' }));
    await start({ env: borrowed() });
    expect(await lives(stranger)).toBe(true);
    expect(existsSync(join(folder, 'nats.server.pid'))).toBe(false);
  });

  it('its folder can be removed with all that is in it', async () => {
    const leftover = await sleeper();
    await mkdir(join(folder, 'eventstore'));
    await writeFile(join(folder, 'eventstore.server.pid'), encodePidFile(leftover));
    await removeLocalStack(folder);
    expect([existsSync(folder), await lives(leftover)]).toEqual([false, false]);
  });
});
