import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  DIGEST_BLOCK_BYTES,
  digestDisk,
  DigestTable,
  DigestTableFile,
  forgetDifferences,
  openSourceDisk,
  startNbdkit,
  syncDisk,
  totalBytes,
  usedMapFromFree,
  type ForgetDifferencesOptions,
  type NbdkitServer,
  type SyncDiskResult,
} from '#libs/block-transfer';
import type { ByteRange } from '#libs/contracts';
import { DATA_PATHS, type DataPath } from './data-paths.js';
import { fillWithGarbage } from './garbage.js';
import { TappedLink } from './tapped-link.js';

const MIB = 1024 * 1024;
const GROUP_BYTES = 64 * MIB;
/** Four groups, of which the last is small and ends with a short block. */
const DISK_BYTES = 3 * GROUP_BYTES + 8 * MIB + 4096;
const LAST_BLOCK = Math.floor(DISK_BYTES / DIGEST_BLOCK_BYTES);
/** In the second group. */
const FREE: ByteRange = { offsetBytes: 100 * MIB, lengthBytes: 20 * MIB };
const USED = usedMapFromFree(DISK_BYTES, [FREE]);
const GENERATION = 'the-task';
const NOTHING_WRITTEN = { has: () => false };
const nowhere = { host: '127.0.0.1', port: 1, exportName: '' };

/** Of the source; zeros elsewhere. */
const CONTENT: ByteRange[] = [
  { offsetBytes: 0, lengthBytes: 4 * MIB },
  { offsetBytes: 56 * MIB, lengthBytes: MIB },
  { offsetBytes: DISK_BYTES - MIB, lengthBytes: MIB },
];

const blockAt = (index: number): ByteRange => ({
  offsetBytes: index * DIGEST_BLOCK_BYTES,
  lengthBytes: Math.min(DIGEST_BLOCK_BYTES, DISK_BYTES - index * DIGEST_BLOCK_BYTES),
});
const FREE_BLOCK = FREE.offsetBytes / DIGEST_BLOCK_BYTES + 7;
/** Neighbours, a free block, and the short one at the end. */
const DAMAGED = [5, 6, 900, FREE_BLOCK, LAST_BLOCK];
const DAMAGED_RANGES: ByteRange[] = [
  { offsetBytes: 5 * DIGEST_BLOCK_BYTES, lengthBytes: 2 * DIGEST_BLOCK_BYTES },
  ...[900, FREE_BLOCK, LAST_BLOCK].map(blockAt),
];

describe.each(DATA_PATHS)('a target that does not hold what it acknowledged, %s', (_name, makePath) => {
  let folder: string;
  let path: DataPath;
  let digests: DigestTable;
  const servers: NbdkitServer[] = [];
  const links: TappedLink[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-repair-'));
    path = await makePath();
    digests = DigestTable.unknown(DISK_BYTES, 'blake3');
    await fillWithGarbage(join(folder, 'source'), CONTENT);
    await round(null);
  });
  afterEach(async () => {
    for (const link of links.splice(0)) await link.close();
    for (const server of servers.splice(0)) await server.close();
    await rm(folder, { recursive: true });
  });

  const serve = async (name: string): Promise<NbdkitServer> => {
    const server = await startNbdkit({ path: join(folder, name), host: '127.0.0.1', ...path.server });
    servers.push(server);
    return server;
  };

  async function round(baseline: DigestTable | null): Promise<SyncDiskResult> {
    const server = await startNbdkit({
      ...{ path: join(folder, 'target'), sizeBytes: DISK_BYTES, host: '127.0.0.1' },
      ...path.server,
    });
    const source = await openSourceDisk(join(folder, 'source'));
    try {
      const written = baseline === null ? {} : { dirty: NOTHING_WRITTEN };
      const target = server.export;
      return await syncDisk({
        diskId: 'disk',
        source,
        used: USED,
        target,
        baseline,
        digests,
        ...written,
        ...path.client,
      });
    } finally {
      await source.close();
      await server.close();
    }
  }

  const damage = async (block: number): Promise<void> => {
    const file = await open(join(folder, 'target'), 'r+');
    await file.write(Buffer.alloc(512, 0xa5), 0, 512, block * DIGEST_BLOCK_BYTES + 1024);
    await file.close();
  };

  /** As the restorer does: the verification leaves the group digests of what it found. */
  async function verify(): Promise<string> {
    const found = await digestDisk(join(folder, 'target'), { algorithm: 'blake3' });
    await writeFile(join(folder, 'groups'), found.groupDigests);
    return found.rootDigest;
  }

  async function forget(
    options: Partial<ForgetDifferencesOptions> = {},
  ): Promise<{ ranges: ByteRange[]; wire: number[] }> {
    const exports = [];
    for (const name of ['target', 'groups']) {
      const link = await TappedLink.to((await serve(name)).export);
      links.push(link);
      exports.push(link.near);
    }
    const [target = nowhere, groupDigests = nowhere] = exports;
    const found = await forgetDifferences({ digests, target, groupDigests, ...path.client, ...options });
    return { ranges: found.extents(), wire: links.splice(-2).map((link) => link.heardBytes.length) };
  }

  it('is searched in the groups that differ alone, and forgotten exactly where it is damaged', async () => {
    for (const block of DAMAGED) await damage(block);
    expect(await verify()).not.toBe(await digests.rootDigest());
    const { ranges, wire } = await forget();
    expect(ranges).toEqual(DAMAGED_RANGES);
    expect(DAMAGED.filter((index) => digests.isKnown(index))).toEqual([]);
    expect([...digests.knownIndices()]).toHaveLength(LAST_BLOCK + 1 - DAMAGED.length);
    // All groups but the third.
    const readBytes = DISK_BYTES - GROUP_BYTES;
    expect(wire[0]).toBeGreaterThan(readBytes);
    expect(wire[0]).toBeLessThan(1.01 * readBytes);
    expect(wire[1]).toBeLessThan(16 * 1024);
  });

  it('is whole after the next round, which sends those blocks and no others, though nothing was written', async () => {
    for (const block of DAMAGED) await damage(block);
    await verify();
    await forget();
    const result = await round(digests);
    const used = DAMAGED.filter((block) => block !== FREE_BLOCK).map(blockAt);
    expect(result.sentBytes).toBe(totalBytes(used));
    expect(result.zeroedBytes).toBe(DIGEST_BLOCK_BYTES);
    expect(await verify()).toBe(result.rootDigest);
  });

  it('is not read at all when no group differs', async () => {
    await verify();
    const { ranges, wire } = await forget();
    expect(ranges).toEqual([]);
    expect(wire[0]).toBe(0);
  });

  it('is judged by what it holds now, not by what was found then', async () => {
    for (const block of [3, 4]) await damage(block);
    await verify();
    await round(DigestTable.unknown(DISK_BYTES, 'blake3'));
    await damage(4);
    expect((await forget()).ranges).toEqual([blockAt(4)]);
  });

  it('leaves what is unknown to the round', async () => {
    await damage(3);
    digests.forget(2000);
    await verify();
    const { ranges, wire } = await forget();
    expect(ranges).toEqual([blockAt(3)]);
    // The group of an unknown block is looked at, too: other blocks of it may differ.
    expect(wire[0]).toBeGreaterThan(2 * GROUP_BYTES);
    expect(wire[0]).toBeLessThan(1.01 * 2 * GROUP_BYTES);
  });

  it('is forgotten on disk, too, before anything can be written', async () => {
    const tables = new DigestTableFile(join(folder, 'table'));
    const journal = await tables.begin(digests, GENERATION);
    for (const block of DAMAGED) await damage(block);
    await verify();
    await forget({ journal });
    // As an agent that is killed now would find it.
    const { table } = await tables.load({ diskBytes: DISK_BYTES, algorithm: 'blake3', generation: GENERATION });
    expect(DAMAGED.map((index) => table?.isKnown(index))).toEqual(DAMAGED.map(() => false));
    expect([...(table?.knownIndices() ?? [])]).toHaveLength(LAST_BLOCK + 1 - DAMAGED.length);
    await journal.end();
  });

  it('is refused with group digests of another disk, and with less than the disk', async () => {
    await writeFile(join(folder, 'groups'), Buffer.alloc(3 * 32));
    await expect(forget()).rejects.toMatchObject({ code: 'EXPORT_FAILED' });
    await damage(3);
    await verify();
    await writeFile(join(folder, 'small'), Buffer.alloc(MIB));
    const small = (await serve('small')).export;
    await expect(forget({ target: small })).rejects.toMatchObject({ code: 'TARGET_DISK_MISSING' });
    expect(digests.isKnown(3)).toBe(true);
  });
});
