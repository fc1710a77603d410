import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventStoreDBClient, jsonEvent, NO_STREAM, type JSONEventData } from '@eventstore/db-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataFolderError, startEventStoreNode } from '#libs/eventstore-node';
import { NodeProcess } from '../contract/event-store/node-process.js';

let folder: string;
let data: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'event-node-disk-'));
  data = join(folder, 'data');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const events = (count: number, bytes = 400): JSONEventData[] =>
  Array.from({ length: count }, (_, number) =>
    jsonEvent({ type: 'Stored', data: { number, filler: 'x'.repeat(bytes) } }),
  );

async function withClient<T>(url: string, use: (client: EventStoreDBClient) => Promise<T>): Promise<T> {
  const client = EventStoreDBClient.connectionString(url);
  try {
    return await use(client);
  } finally {
    await client.dispose();
  }
}

async function count(client: EventStoreDBClient, stream: string): Promise<number> {
  let found = 0;
  for await (const { event } of client.readStream(stream)) {
    expect(event!.revision).toBe(BigInt(found));
    found += 1;
  }
  return found;
}

/** Leaves data behind as a killed node does: the write-ahead log still holds the last commits. */
async function killedAfter(appends: number): Promise<void> {
  const node = await NodeProcess.start(data);
  await withClient(node.url, async (client) => {
    for (let index = 0; index < appends; index += 1) await client.appendToStream('kept', events(1));
  });
  await node.kill();
}

const databaseFile = (): string => join(data, 'events.sqlite');
const refusal = async (): Promise<unknown> =>
  startEventStoreNode({ dataFolder: data, port: 0 }).then(
    async (node) => {
      await node.close();
      return 'it started';
    },
    (error: unknown) => error,
  );

describe('one data folder, one node', () => {
  it('must refuse a second node while the first one runs', async () => {
    const node = await NodeProcess.start(data);
    const error = await refusal();
    expect(error).toBeInstanceOf(DataFolderError);
    expect(String(error)).toMatch(/in use by another process/);
    await expect(NodeProcess.start(data)).rejects.toThrow(/in use by another process/);
    await node.stop();
  });

  it('must start again after the first one was killed', async () => {
    await killedAfter(3);
    const node = await startEventStoreNode({ dataFolder: data, port: 0 });
    await withClient(`esdb://127.0.0.1:${node.port}?tls=false`, async (client) => {
      expect(await count(client, 'kept')).toBe(3);
    });
    await node.close();
  });
});

describe('damaged files', () => {
  it('must refuse when the end of the write-ahead log is gone although it was acknowledged', async () => {
    await killedAfter(20);
    const log = `${databaseFile()}-wal`;
    truncateSync(log, statSync(log).size - 5_000);
    const error = await refusal();
    expect(error).toBeInstanceOf(DataFolderError);
    expect(String(error)).toMatch(/was acknowledged, the log ends at/);
  });

  it('must refuse when the write-ahead log is gone', async () => {
    await killedAfter(20);
    rmSync(`${databaseFile()}-wal`);
    expect(String(await refusal())).toMatch(/lost events|damaged/);
  });

  it('must refuse when a byte in the middle of the write-ahead log is wrong', async () => {
    await killedAfter(20);
    flipByte(`${databaseFile()}-wal`, 0.5);
    expect(await refusal()).toBeInstanceOf(DataFolderError);
  });

  it('must drop what was never acknowledged, and only that', async () => {
    await killedAfter(20);
    appendFileSync(`${databaseFile()}-wal`, Buffer.alloc(3_000, 7));
    const node = await startEventStoreNode({ dataFolder: data, port: 0 });
    await withClient(`esdb://127.0.0.1:${node.port}?tls=false`, async (client) => {
      expect(await count(client, 'kept')).toBe(20);
    });
    await node.close();
  });

  it('must refuse a database that was cut', async () => {
    const node = await NodeProcess.start(data);
    await withClient(node.url, (client) => client.appendToStream('kept', events(200)));
    await node.stop();
    truncateSync(databaseFile(), Math.floor(statSync(databaseFile()).size / 2));
    const error = await refusal();
    expect(error).toBeInstanceOf(DataFolderError);
    expect(String(error)).toMatch(/damaged/);
  });

  it('must refuse a file that is none of ours', async () => {
    mkdirSync(data);
    writeFileSync(databaseFile(), 'this is a diary, not a database, and long enough to be taken for one'.repeat(4));
    expect(String(await refusal())).toMatch(/no SQLite header/);
  });

  it('must answer DATA_LOSS instead of a wrong event, and keep serving the others', async () => {
    const node = await NodeProcess.start(data);
    await withClient(node.url, async (client) => {
      await client.appendToStream('sound', events(3));
      await client.appendToStream('rotten', [jsonEvent({ type: 'Stored', data: { marker: 'find-me-here' } })]);
      for (let index = 0; index < 60; index += 1) await client.appendToStream('sound', events(100));
    });
    await node.stop();
    const file = readFileSync(databaseFile());
    const at = file.indexOf('find-me-here');
    expect(at).toBeGreaterThan(0);
    file.write('lost-me-here', at);
    writeFileSync(databaseFile(), file);
    const again = await startEventStoreNode({ dataFolder: data, port: 0 });
    await withClient(`esdb://127.0.0.1:${again.port}?tls=false`, async (client) => {
      await expect(count(client, 'rotten')).rejects.toMatchObject({ message: expect.stringMatching(/digest/) });
      expect(await count(client, 'sound')).toBe(6_003);
    });
    await again.close();
  });
});

const DISK_BYTES = 24 * 1024 * 1024;

describe.runIf(process.getuid?.() === 0 && existsSync('/sbin/mkfs.ext4'))('a full disk', () => {
  let mounted: string;
  beforeEach(() => {
    const image = join(folder, 'disk.img');
    mounted = join(folder, 'disk');
    mkdirSync(mounted);
    writeFileSync(image, '');
    truncateSync(image, DISK_BYTES);
    execFileSync('/sbin/mkfs.ext4', ['-q', '-F', image]);
    execFileSync('mount', ['-o', 'loop', image, mounted]);
  });
  afterEach(() => {
    execFileSync('umount', [mounted]);
  });

  it('must be an error to the caller, with nothing half-written, and service must resume when there is room', async () => {
    const ballast = join(mounted, 'ballast');
    writeFileSync(ballast, Buffer.alloc(8 * 1024 * 1024));
    data = join(mounted, 'data');
    const node = await NodeProcess.start(data);
    await withClient(node.url, async (client) => {
      let written = 0;
      const fill = async (): Promise<void> => {
        for (;;) {
          await client.appendToStream('filling', events(100, 2_000), {
            expectedRevision: written === 0 ? NO_STREAM : BigInt(written - 1),
          });
          written += 100;
        }
      };
      await expect(fill()).rejects.toThrow();
      expect(node.running).toBe(true);
      expect(await count(client, 'filling')).toBe(written);
      rmSync(ballast);
      await client.appendToStream('filling', events(100, 2_000), { expectedRevision: BigInt(written - 1) });
      expect(await count(client, 'filling')).toBe(written + 100);
    });
    await node.stop();
  });
});

function flipByte(file: string, where: number): void {
  const content = readFileSync(file);
  const at = Math.floor(content.length * where);
  content[at] = content[at]! ^ 0xff;
  writeFileSync(file, content);
}
