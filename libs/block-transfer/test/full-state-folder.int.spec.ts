import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DIGEST_BLOCK_BYTES, DigestTableFile, digestOfBlock, type DigestTable } from '#libs/block-transfer';

const run = promisify(execFile);
const HEADER = { diskBytes: 32 * 1024 ** 3, algorithm: 'blake3', generation: 'the task' } as const;
const BLOCKS = HEADER.diskBytes / DIGEST_BLOCK_BYTES;
const FULL = { code: 'DIGEST_TABLE_FAILED', detail: expect.stringContaining('ENOSPC') as string };
const digestOf = (text: string): Uint8Array => digestOfBlock(Buffer.from(text), 'blake3');

/** The table takes 16 MiB, of which 4 are in memory. */
describe('a state folder without room for the next table', () => {
  let folder: string;
  let tables: DigestTableFile;
  const open: DigestTable[] = [];

  const load = async (): Promise<DigestTable> => {
    const { table } = await tables.load(HEADER);
    if (table === null) return expect.fail('no table');
    open.push(table);
    return table;
  };
  const resize = (size: string): Promise<unknown> => run('mount', ['-o', `remount,size=${size}`, folder]);
  const setAll = (table: DigestTable, digest: Uint8Array): void => {
    for (let index = 0; index < BLOCKS; index += 1) table.set(index, digest);
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-full-'));
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', folder]);
    tables = new DigestTableFile(join(folder, 'disk'));
    const table = tables.unknown(HEADER);
    const journal = await tables.begin(table, HEADER.generation);
    setAll(table, digestOf('before'));
    await journal.end();
    table.close();
    await resize('20m');
  });
  afterEach(async () => {
    for (const table of open.splice(0)) table.close();
    await run('umount', [folder]);
    await rm(folder, { recursive: true });
  });

  it('fails the round in the middle, and keeps the table, the journal, and the room that there was', async () => {
    const stored = await readFile(join(folder, 'disk'));
    const table = await load();
    const journal = await tables.begin(table, HEADER.generation);
    await journal.forget([7]);
    table.forget(7);
    await journal.confirm([{ index: 9, digest: digestOf('after') }]);
    expect(() => setAll(table, digestOf('after'))).toThrow(expect.objectContaining(FULL) as Error);
    await expect(journal.end()).rejects.toMatchObject(FULL);
    table.close();
    expect((await readdir(folder)).sort()).toEqual(['disk', 'disk.journal']);
    expect((await readFile(join(folder, 'disk'))).equals(stored)).toBe(true);

    await resize('64m');
    const found = await load();
    expect([0, 7, 9, BLOCKS - 1].map((index) => found.isKnown(index))).toEqual([true, false, true, true]);
    expect(found.matches(8, digestOf('before'))).toBe(true);
    expect(found.matches(9, digestOf('after'))).toBe(true);
    const again = await tables.begin(found, HEADER.generation);
    setAll(found, digestOf('after'));
    await again.end();
    expect((await load()).matches(BLOCKS - 1, digestOf('after'))).toBe(true);
  });
});
