import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  digestDisk,
  DIGEST_BLOCK_BYTES,
  DigestTable,
  DigestTableFile,
  DiskResume,
  endOf,
  invertExtents,
  mergeExtents,
  openSourceDisk,
  startNbdkit,
  syncDisk,
  totalBytes,
  usedMapFromFree,
  type NbdkitServer,
  type SourceDisk,
  type SyncDiskOptions,
  type SyncDiskResult,
  type UsedMap,
} from '#libs/block-transfer';
import type { ByteRange } from '#libs/contracts';
import { DATA_PATHS, type DataPath } from './data-paths.js';
import { FragileLink } from './fragile-link.js';
import { fillWithGarbage } from './garbage.js';
import { durableByLog, volatileByLog } from './server-log.js';

const MIB = 1024 * 1024;
const DISK_BYTES = 160 * MIB + 1536;
const HOST = '127.0.0.1';
const GENERATION = 'task-1';
/** What a lost attempt may have sent in vain: two windows that were not flushed, and a buffer for each step under way. */
const WASTE_LIMIT_BYTES = 2 * 16 * MIB + 7 * 2 * MIB;
/** Partly used blocks all over, and one large hole. */
const USED = usedMapFromFree(DISK_BYTES, [
  { offsetBytes: 100 * MIB, lengthBytes: 8 * MIB },
  ...Array.from({ length: 600 }, (_, index) => ({ offsetBytes: 20_480 + index * 3 * 65_536, lengthBytes: 24_576 })),
]);

let path: DataPath;
let folder: string;
let sourcePath: string;
let target: string;
let tablePath: string;
const servers: NbdkitServer[] = [];
const links: FragileLink[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-resume-'));
  sourcePath = join(folder, 'source.img');
  target = join(folder, 'target.img');
  tablePath = join(folder, 'digests');
  await fillWithGarbage(sourcePath, [{ offsetBytes: 0, lengthBytes: DISK_BYTES }]);
  await fillWithGarbage(target, [{ offsetBytes: 0, lengthBytes: DISK_BYTES }]);
});
afterEach(async () => {
  for (const link of links.splice(0)) await link.close();
  for (const server of servers.splice(0)) await server.close();
  await rm(folder, { recursive: true });
});

interface Outcome {
  readonly result: SyncDiskResult | null;
  /** Blocks that were read. */
  readonly read: ReadonlySet<number>;
  /** The server's log. */
  readonly log: string;
}

type Round = Pick<SyncDiskOptions, 'baseline' | 'digests' | 'resume' | 'journal'> & { used?: UsedMap };

interface Fault {
  readonly afterBytes: number;
  /** The link is cut, or the server is killed. */
  readonly kind: 'cut' | 'kill';
}

/** One attempt, by a server of its own, over a link that breaks after so many bytes. */
async function attempt(round: Round, fault: Fault | null = null): Promise<Outcome> {
  const logPath = join(folder, `log${servers.length}`);
  const parameters = [`logfile=${logPath}`];
  const server = await startNbdkit({ path: target, host: HOST, filters: ['log'], parameters, ...path.server });
  servers.push(server);
  const kill = (): void => void process.kill(server.pid, 'SIGKILL');
  const { afterBytes, kind } = fault ?? { afterBytes: Number.POSITIVE_INFINITY, kind: 'cut' };
  const link = await FragileLink.to(server.export, afterBytes, kind === 'cut' ? null : kill);
  links.push(link);
  const { source, read } = watched(await openSourceDisk(sourcePath));
  let result: SyncDiskResult | null = null;
  let connected = 0;
  try {
    const onConnected = (): void => void (connected += 1);
    const client = { ...path.client, target: link.near, onConnected };
    result = await syncDisk({ diskId: 'd', source, used: USED, ...round, ...client });
  } catch (error) {
    expect(error).toMatchObject({ code: 'DATA_PATH_LOST' });
  } finally {
    await source.close();
  }
  expect(connected).toBe(1);
  if (kind === 'kill') expect(await server.exited).toMatchObject({ signal: 'SIGKILL' });
  await server.close();
  return { result, read, log: await readFile(logPath, 'utf8') };
}

function watched(disk: SourceDisk): { source: SourceDisk; read: Set<number> } {
  const read = new Set<number>();
  const source = {
    sizeBytes: disk.sizeBytes,
    read: async (into: Uint8Array, offsetBytes: number): Promise<void> => {
      for (const index of blocksOf([{ offsetBytes, lengthBytes: into.length }])) read.add(index);
      await disk.read(into, offsetBytes);
    },
    close: async (): Promise<void> => disk.close(),
  };
  return { source, read };
}

const entriesOf = (table: DigestTable): Buffer => Buffer.concat([...table.parts(MIB)]);

function blocksOf(ranges: readonly ByteRange[]): number[] {
  return ranges.flatMap((range) => {
    const first = Math.floor(range.offsetBytes / DIGEST_BLOCK_BYTES);
    return Array.from({ length: Math.ceil(endOf(range) / DIGEST_BLOCK_BYTES) - first }, (_, place) => first + place);
  });
}

async function expectIdentical(result: SyncDiskResult | null): Promise<void> {
  const wanted = await readFile(sourcePath);
  for (const gap of invertExtents(USED.extents, DISK_BYTES)) wanted.fill(0, gap.offsetBytes, endOf(gap));
  expect((await readFile(target)).equals(wanted)).toBe(true);
  expect((await digestDisk(target, { algorithm: 'blake3' })).rootDigest).toBe(result?.rootDigest);
}

/** What a process that starts anew finds, as if the one before had been killed at this moment. */
async function loadAnew(): Promise<DigestTable> {
  const { table, baseline } = await new DigestTableFile(tablePath).load({
    ...{ diskBytes: DISK_BYTES, algorithm: 'blake3' },
    generation: GENERATION,
  });
  expect(baseline).toBe('kept');
  return table ?? expect.fail('no table');
}

/** Every known entry is what the target holds. */
async function expectTrue(table: DigestTable): Promise<void> {
  const truth = DigestTable.unknown(DISK_BYTES, 'blake3');
  await digestDisk(target, { algorithm: 'blake3', onDigests: (first, found) => truth.enter(first, found) });
  const wrong = [...table.knownIndices()].filter((index) => !truth.matches(index, table.get(index)));
  expect(wrong).toEqual([]);
}

/** The product's disks travel in TLS. */
const [IN_TLS] = DATA_PATHS.filter(([name]) => name === 'in TLS');

describe.each(DATA_PATHS)('a round that is broken off %s', (_how, makePath) => {
  beforeEach(async () => {
    path = await makePath();
  });

  it('goes on where it stopped, with nothing known before, whatever a loss of power left of the rest', async () => {
    const calm = await attempt({ baseline: null, digests: DigestTable.unknown(DISK_BYTES, 'blake3') });
    await expectIdentical(calm.result);
    await fillWithGarbage(target, [{ offsetBytes: 0, lengthBytes: DISK_BYTES }]);

    const digests = DigestTable.unknown(DISK_BYTES, 'blake3');
    const resume = new DiskResume(DISK_BYTES);
    const journal = await new DigestTableFile(tablePath).begin(digests, GENERATION);
    const round = { baseline: null, digests, resume, journal };
    let durable: ByteRange[] = [];
    let doneBytes = 0;
    const faults = [
      { afterBytes: 60 * MIB, kind: 'cut' },
      { afterBytes: 1 * MIB, kind: 'kill' },
      { afterBytes: 60 * MIB, kind: 'kill' },
    ] as const;
    for (const fault of faults) {
      const done = new Set(digests.knownIndices());
      const { result, read, log } = await attempt(round, fault);
      expect(result).toBe(null);
      durable = mergeExtents([...durable, ...durableByLog(log)]);
      expect([...read].filter((index) => done.has(index))).toEqual([]);
      await fillWithGarbage(target, invertExtents(durable, DISK_BYTES));
      expect(resume.doneBytes).toBeGreaterThanOrEqual(doneBytes);
      doneBytes = resume.doneBytes;
      const anew = await loadAnew();
      expect(entriesOf(anew).equals(entriesOf(digests))).toBe(true);
      await expectTrue(anew);
    }
    expect(doneBytes).toBeGreaterThan(40 * MIB);
    const done = new Set(digests.knownIndices());
    const last = await attempt(round);
    await expectIdentical(last.result);
    expect([...last.read].filter((index) => done.has(index))).toEqual([]);
    const [sent, needed] = [last.result?.sentBytes ?? 0, calm.result?.sentBytes ?? 0];
    expect(sent).toBeGreaterThanOrEqual(needed);
    expect(sent - needed).toBeLessThanOrEqual(2 * WASTE_LIMIT_BYTES + MIB);
    // The last attempt sent no more than what was missing: parts of partly used blocks, as the first did.
    expect(totalBytes(durableByLog(last.log))).toBeLessThanOrEqual(DISK_BYTES - doneBytes);
    await journal.end();
    await expectTrue(await loadAnew());
  });
});

describe.each([IN_TLS ?? expect.fail()])('a later round that is broken off %s', (_how, makePath) => {
  beforeEach(async () => {
    path = await makePath();
  });

  it('goes on with a table that knows what the target held, and so does a process that starts anew', async () => {
    const digests = DigestTable.unknown(DISK_BYTES, 'blake3');
    await attempt({ baseline: null, digests });
    await (await new DigestTableFile(tablePath).begin(digests, GENERATION)).end();
    const table = await loadAnew();
    for (const index of [2, 900, 2400]) table.forget(index);
    const changes = Array.from({ length: 45 }, (_, index) => ({
      offsetBytes: (3 * index + 1) * MIB,
      lengthBytes: MIB,
    }));
    await fillWithGarbage(sourcePath, changes);

    const resume = new DiskResume(DISK_BYTES);
    const journal = await new DigestTableFile(tablePath).begin(table, GENERATION);
    const round = { baseline: table, digests: table, resume, journal };
    const first = await attempt(round, { afterBytes: 30 * MIB, kind: 'cut' });
    expect(first.result).toBe(null);
    await fillWithGarbage(target, volatileByLog(first.log, DISK_BYTES));
    const killed = await loadAnew();
    await expectTrue(killed);
    expect(entriesOf(killed).equals(entriesOf(table))).toBe(true);

    const unread = resume.doneBytes;
    const second = await attempt(round);
    await expectIdentical(second.result);
    expect(unread).toBeGreaterThan(0);
    // Blocks without used bytes are never read: the hole.
    expect(second.read.size * DIGEST_BLOCK_BYTES).toBeLessThanOrEqual(DISK_BYTES - unread + DIGEST_BLOCK_BYTES);
    const changedBytes = 45 * MIB + 3 * DIGEST_BLOCK_BYTES;
    expect(second.result?.sentBytes).toBeLessThanOrEqual(changedBytes + WASTE_LIMIT_BYTES);

    // The same moment, but the process is gone: the table alone is left, and the target is as the cut left it.
    await fillWithGarbage(target, volatileByLog(first.log, DISK_BYTES));
    const anew = await attempt({ baseline: killed, digests: killed });
    await expectIdentical(anew.result);
    expect(anew.result?.sentBytes).toBeLessThanOrEqual(changedBytes);
    await journal.end();
  });

  it('keeps nothing that was only answered: a block that changed back is not taken for equal', async () => {
    const digests = DigestTable.unknown(DISK_BYTES, 'blake3');
    await attempt({ baseline: null, digests });
    const before = await readFile(sourcePath);
    await fillWithGarbage(sourcePath, [{ offsetBytes: 0, lengthBytes: 30 * MIB }]);
    const journal = await new DigestTableFile(tablePath).begin(digests, GENERATION);
    const broken = await attempt({ baseline: digests, digests, journal }, { afterBytes: 12 * MIB, kind: 'cut' });
    expect(broken.result).toBe(null);
    const file = await open(sourcePath, 'r+');
    await file.write(before, 0, before.length, 0);
    await file.close();
    const killed = await loadAnew();
    const repaired = await attempt({ baseline: killed, digests: killed });
    await expectIdentical(repaired.result);
    await journal.end();
  });
});
