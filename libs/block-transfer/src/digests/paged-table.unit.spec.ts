import { cp, mkdir, mkdtemp, readdir, readFile, rm, rmdir, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DIGEST_BLOCK_BYTES, digestOf as digestBy } from './block-digest.js';
import { DigestTableFile, type OpenDigestJournal } from './digest-table-file.js';
import { DigestTable } from './digest-table.js';
import { GROUP_BLOCKS, groupDigestsOf } from './group-digests.js';
import { openFilesIn } from './open-files.fake.js';

const BLOCKS = 40;
const BOUNDS = { entriesPerPage: 4, pagesInMemory: 3 };
const HEADER = { diskBytes: BLOCKS * DIGEST_BLOCK_BYTES - 512, algorithm: 'blake3', generation: 'the task' } as const;
const digestOf = (content: number): Uint8Array => digestBy(Buffer.of(content), 'blake3');
const entriesOf = (table: DigestTable): Buffer =>
  Buffer.concat(Array.from(table.parts(64), (part) => Buffer.from(part)));

let folder: string;
let path: string;
/** Of processes that were killed, whose files a test leaves open. */
const abandoned: OpenDigestJournal[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-pages-'));
  path = join(folder, 'disk');
});
afterEach(async () => {
  for (const journal of abandoned.splice(0)) await journal.end().catch(() => undefined);
  await rm(folder, { recursive: true });
});

const tables = (at = path): DigestTableFile => new DigestTableFile(at, BOUNDS);
async function load(at = path): Promise<DigestTable> {
  const { table, baseline } = await tables(at).load(HEADER);
  expect(baseline).toBe('kept');
  return table ?? expect.fail('no table');
}

/** A stored table in which every block is known. */
async function storeAll(): Promise<DigestTable> {
  const all = DigestTable.unknown(HEADER.diskBytes, 'blake3');
  for (let index = 0; index < BLOCKS; index += 1) all.set(index, digestOf(index));
  await (await tables().begin(all, HEADER.generation)).end();
  return all;
}

const blocks = fc.uniqueArray(fc.nat(BLOCKS - 1), { minLength: 1, maxLength: 12 });
const deeds = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('forget' as const), blocks, content: fc.nat(250) }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('confirm' as const), blocks, content: fc.nat(250) }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constantFrom('ask', 'end', 'reload', 'kill'), blocks, content: fc.nat(250) }),
    },
  ),
  { maxLength: 40 },
);

/** A table in pages and its journal, and the same table in memory as the model. */
class Kept {
  readonly model = DigestTable.unknown(HEADER.diskBytes, 'blake3');
  private table = tables().unknown(HEADER);
  private journal: OpenDigestJournal | null = null;

  async begin(): Promise<void> {
    this.journal = await tables().begin(this.table, HEADER.generation);
  }

  async forget(indices: readonly number[]): Promise<void> {
    await this.journal?.forget(indices);
    for (const table of [this.table, this.model]) for (const index of indices) table.forget(index);
  }

  async confirm(indices: readonly number[], content: number): Promise<void> {
    const entries = indices.map((index) => ({ index, digest: digestOf(content + (index % 3)) }));
    for (const { index, digest } of entries) this.model.set(index, digest);
    // Neighbours at once, as those do who digest a disk.
    const last = Math.max(...indices);
    const wanted = entriesOf(this.model).subarray(0, (last + 1) * 32);
    if (indices.length > 8) this.table.enter(0, wanted);
    else if (indices.length === 8) {
      // And those who zero: a run of one digest.
      const [first, count] = [content % 20, indices.length + 6];
      const digest = digestOf(content);
      this.table.enter(0, wanted);
      for (let index = first; index < first + count; index += 1) this.model.set(index, digest);
      this.table.setRun(first, count, digest);
      await this.journal?.confirm([...entries, { index: first, count, digest }]);
      return;
    } else for (const { index, digest } of entries) this.table.set(index, digest);
    await this.journal?.confirm(entries);
  }

  async end(): Promise<void> {
    await this.journal?.end();
    await this.begin();
  }

  async reload(): Promise<void> {
    await this.journal?.end();
    this.table.close();
    this.table = await load();
    await this.begin();
  }

  /** A process that was killed: its files are as they are at this moment, its memory is gone. */
  async kill(): Promise<void> {
    const left = join(folder, 'left');
    await mkdir(left);
    for (const name of ['disk', 'disk.journal', 'disk.new']) {
      await cp(join(folder, name), join(left, name)).catch(() => undefined);
    }
    this.table.close();
    await this.journal?.end().catch(() => undefined);
    for (const name of ['disk', 'disk.journal', 'disk.new']) {
      await rm(join(folder, name), { force: true });
      await cp(join(left, name), join(folder, name)).catch(() => undefined);
    }
    await rm(left, { recursive: true });
    this.table = await load();
    expect(entriesOf(this.table).equals(entriesOf(this.model))).toBe(true);
    await this.begin();
  }

  async expectSame(): Promise<void> {
    const { table, model } = this;
    // Before anything else brings pages in.
    expect([...table.knownIndices()]).toEqual([...model.knownIndices()]);
    for (let index = 0; index < BLOCKS; index += 1) {
      const place = (index * 7) % BLOCKS;
      expect(table.isKnown(place)).toBe(model.isKnown(place));
      if (!model.isKnown(place)) continue;
      expect(table.matches(place, model.get(place))).toBe(true);
      expect(table.matches(place, digestOf(255))).toBe(false);
      expect(Buffer.from(table.get(place))).toEqual(Buffer.from(model.get(place)));
    }
    expect([...table.knownIndices(3, 21)]).toEqual([...model.knownIndices(3, 21)]);
    expect(table.knowsNothing).toBe(model.knowsNothing);
    expect(entriesOf(table).equals(entriesOf(model))).toBe(true);
    expect(await groupDigestsOf(table)).toEqual(await groupDigestsOf(model));
    const [root, wanted] = await Promise.allSettled([table.rootDigest(), model.rootDigest()]);
    if (wanted.status === 'rejected') expect(root.status).toBe('rejected');
    else expect(root).toEqual(wanted);
  }

  async finish(): Promise<void> {
    await this.journal?.end();
    this.table.close();
  }
}

describe('a table in pages', () => {
  it('answers as one in memory, whatever is done to it, and to the process that holds it', async () => {
    await fc.assert(
      fc.asyncProperty(deeds, fc.boolean(), async (all, knowsAll) => {
        await rm(path, { force: true });
        const kept = new Kept();
        await kept.begin();
        if (knowsAll)
          await kept.confirm(
            Array.from({ length: BLOCKS }, (_, index) => index),
            7,
          );
        for (const { kind, blocks: indices, content } of all) {
          if (kind === 'forget') await kept.forget(indices);
          else if (kind === 'confirm') await kept.confirm(indices, content);
          else if (kind === 'end') await kept.end();
          else if (kind === 'reload') await kept.reload();
          else if (kind === 'kill') await kept.kill();
          else await kept.expectSame();
        }
        await kept.expectSame();
        await kept.finish();
        const stored = await load();
        expect(entriesOf(stored).equals(entriesOf(kept.model))).toBe(true);
        stored.close();
        expect(await readdir(folder)).toEqual(['disk']);
      }),
      { numRuns: 60 },
    );
  });

  it('takes another one over', async () => {
    const [table, other] = [tables().unknown(HEADER), tables(join(folder, 'other')).unknown(HEADER)];
    for (let index = 0; index < BLOCKS; index += 3) other.set(index, digestOf(index));
    for (let index = 0; index < BLOCKS; index += 2) table.set(index, digestOf(index + 100));
    table.copyFrom(other);
    expect(entriesOf(table).equals(entriesOf(other))).toBe(true);
    table.close();
    other.close();
  });

  it('writes nothing as long as it fits into memory, and no page that is as it was stored', async () => {
    await storeAll();
    const table = await load();
    for (let index = 0; index < BLOCKS; index += 1) expect(table.matches(index, digestOf(index))).toBe(true);
    expect(await readdir(folder)).toEqual(['disk']);
    table.close();
    const small = { ...HEADER, diskBytes: 12 * DIGEST_BLOCK_BYTES };
    const fits = tables().unknown(small);
    for (let index = 0; index < 12; index += 1) fits.set(index, digestOf(index));
    expect(await readdir(folder)).toEqual(['disk']);
    expect(fits.pages.files).toBe(null);
  });

  it('lets go of the page that was not used for longest', () => {
    const table = tables().unknown(HEADER);
    for (const page of [0, 1, 2]) table.set(page * 4, digestOf(page));
    expect(table.isKnown(0)).toBe(true);
    expect(table.isKnown(12)).toBe(false);
    expect([0, 1, 2].map((page) => table.pages.files?.has(page))).toEqual([false, true, false]);
    table.close();
  });

  it('has nothing more to write when it was ended', async () => {
    // One page more than there are in memory.
    const blockCount = 4 * 4;
    const table = tables().unknown({ ...HEADER, diskBytes: blockCount * DIGEST_BLOCK_BYTES });
    const journal = await tables().begin(table, HEADER.generation);
    for (let index = 0; index < 12; index += 1) table.set(index, digestOf(index));
    await journal.end();
    for (let index = 0; index < blockCount; index += 1) expect(table.isKnown(index)).toBe(index < 12);
    expect(await readdir(folder)).toEqual(['disk']);
    table.close();
    expect(() => [...table.knownIndices()]).toThrow(/closed/);
  });

  it('keeps a bounded part of itself in memory', () => {
    const table = new DigestTableFile(path).unknown({ ...HEADER, diskBytes: 2 ** 44 });
    expect(table.blockCount).toBe(2 ** 28);
    expect(table.pages.memory).toHaveLength(4 * 1024 * 1024);
    table.close();
  });

  it('has groups that pages do not begin and end with', async () => {
    const header = { ...HEADER, diskBytes: (GROUP_BLOCKS + 30) * DIGEST_BLOCK_BYTES };
    const paged = new DigestTableFile(path, { entriesPerPage: 100, pagesInMemory: 2 }).unknown(header);
    const plain = DigestTable.unknown(header.diskBytes, 'blake3');
    for (const table of [paged, plain]) for (let index = 0; index < 1050; index += 7) table.set(index, digestOf(7));
    expect(await groupDigestsOf(paged)).toEqual(await groupDigestsOf(plain));
    paged.close();
  });
});

describe('a process that is killed', () => {
  it('again and again loses nothing that was confirmed', async () => {
    await storeAll();
    for (let content = 1; content < 4; content += 1) {
      const table = await load();
      const journal = await tables().begin(table, HEADER.generation);
      await journal.confirm([{ index: 2 * content, count: 2, digest: digestOf(100 + content) }]);
      table.close();
      abandoned.push(journal);
    }
    const found = await load();
    for (let index = 2; index < 8; index += 1) {
      expect(found.matches(index, digestOf(100 + Math.floor(index / 2)))).toBe(true);
    }
    expect(found.matches(8, digestOf(8))).toBe(true);
    found.close();
  });

  it('between its pages and the rename leaves the old table and its journal, however complete the next one is', async () => {
    const before = await storeAll();
    const table = await load();
    const journal = await tables().begin(table, HEADER.generation);
    const entries = Array.from({ length: BLOCKS }, (_, index) => ({ index, digest: digestOf(index + 100) }));
    await journal.confirm(entries.slice(0, 5));
    for (const { index, digest } of entries.slice(0, 5)) before.set(index, digest);
    // All of the table changes, the journal hears of five entries: as if the rest had been lost with the power.
    for (const { index, digest } of entries) table.set(index, digest);
    const left = join(folder, 'left');
    await mkdir(left);
    for (const name of ['disk', 'disk.journal', 'disk.new']) await cp(join(folder, name), join(left, name));
    expect((await stat(join(left, 'disk.new'))).size).toBeGreaterThan(0);
    await journal.end();
    // The next table, complete: had it been renamed, all of it would be believed.
    await cp(path, join(left, 'disk.new'));
    const found = await load(join(left, 'disk'));
    expect(entriesOf(found).equals(entriesOf(before))).toBe(true);
    for (const one of [found, table]) one.close();
  });

  it('leaves nothing that the next one takes for its own', async () => {
    await storeAll();
    await writeFile(`${path}.new`, Buffer.alloc(4096, 0xff));
    const table = await load();
    const journal = await tables().begin(table, HEADER.generation);
    for (let index = 0; index < BLOCKS; index += 1) table.forget(index);
    expect(table.knowsNothing).toBe(true);
    expect([...table.knownIndices()]).toEqual([]);
    await journal.end();
    table.close();
    const found = await load();
    expect(found.knowsNothing).toBe(true);
    found.close();
  });
});

describe('what cannot be read or written', () => {
  const CODE = { code: 'DIGEST_TABLE_FAILED' };

  /** No file can be made there. */
  const obstruct = (): Promise<unknown> => mkdir(`${path}.new`);

  it('fails what needs it, and loses nothing', async () => {
    await storeAll();
    const stored = await readFile(path);
    const table = await load();
    const journal = await tables().begin(table, HEADER.generation);
    await journal.forget([0, 1, 2, 3]);
    for (const index of [0, 1, 2, 3]) table.forget(index);
    await obstruct();
    const through = (): void => {
      for (let index = 0; index < BLOCKS; index += 1) table.isKnown(index);
    };
    expect(through).toThrow(expect.objectContaining(CODE) as Error);
    expect(through).toThrow(/disk\.new/);
    await expect(journal.end()).rejects.toMatchObject(CODE);
    expect(await readFile(path)).toEqual(stored);
    await rmdir(`${path}.new`);
    expect(through).not.toThrow();
    expect([...table.knownIndices()]).toHaveLength(BLOCKS - 4);
    table.close();
    // The journal says what the target holds, though it could not be ended.
    const found = await load();
    expect([...found.knownIndices()]).toHaveLength(BLOCKS - 4);
    expect(await readdir(folder)).toEqual(['disk', 'disk.journal', 'disk.new']);
    found.close();
    expect(await readdir(folder)).toEqual(['disk', 'disk.journal']);
  });

  it('fails a journal that cannot be replayed into pages, and leaves no file open or behind', async () => {
    const table = tables().unknown(HEADER);
    const journal = await tables().begin(table, HEADER.generation);
    await journal.confirm(Array.from({ length: BLOCKS }, (_, index) => ({ index, digest: digestOf(index) })));
    await obstruct();
    await expect(tables().load(HEADER)).rejects.toMatchObject(CODE);
    await rmdir(`${path}.new`);
    const found = await load();
    expect([...found.knownIndices()]).toHaveLength(BLOCKS);
    for (const one of [found, table]) one.close();
    await journal.end().catch(() => undefined);
  });

  it('is told when the stored table ends early in the middle of a round', async () => {
    await storeAll();
    const table = await load();
    expect(table.isKnown(0)).toBe(true);
    await truncate(path, 600);
    expect(() => table.isKnown(BLOCKS - 1)).toThrow(expect.objectContaining(CODE) as Error);
    // What is in memory is still there.
    expect(table.matches(0, digestOf(0))).toBe(true);
    table.close();
    expect(await tables().load(HEADER)).toEqual({ table: null, baseline: 'lost' });
  });

  it('does not spoil what was in memory', async () => {
    await storeAll();
    const { table } = await new DigestTableFile(path, { entriesPerPage: 4, pagesInMemory: 1 }).load(HEADER);
    expect(table?.isKnown(0)).toBe(true);
    // The page of block 16 is there in part.
    await truncate(path, 600);
    expect(() => table?.isKnown(16)).toThrow(expect.objectContaining(CODE) as Error);
    for (let index = 0; index < 4; index += 1) expect(table?.matches(index, digestOf(index))).toBe(true);
    table?.close();
  });

  it('leaves no file open, nor does a table that is lost', async () => {
    await storeAll();
    // In memory, and stored a second time.
    await storeAll();
    expect(await openFilesIn(folder)).toBe(0);
    const journal = await tables().begin(await load(), HEADER.generation);
    abandoned.push(journal);
    await journal.forget([1]);
    const bytes = await readFile(`${path}.journal`);
    await writeFile(`${path}.journal`, Buffer.concat([bytes, Buffer.alloc(64, 1)]));
    for (const other of [HEADER, { ...HEADER, generation: 'not this' }, { ...HEADER, algorithm: 'sha256' as const }]) {
      expect(await tables().load(other)).toEqual({ table: null, baseline: 'lost' });
    }
    await writeFile(`${path}.journal`, 'no journal');
    expect(await tables().load(HEADER)).toEqual({ table: null, baseline: 'lost' });
    // The journal's and the table's, both of them in use.
    expect(await openFilesIn(folder)).toBe(2);
  });

  it('does not put the next table of somebody else in place', async () => {
    await storeAll();
    const stored = await readFile(path);
    const [first, second] = [await load(), await load()];
    const journal = await tables().begin(first, HEADER.generation);
    for (let index = 0; index < BLOCKS; index += 1) first.set(index, digestOf(1));
    for (let index = 0; index < BLOCKS; index += 1) second.set(index, digestOf(2));
    await expect(journal.end()).rejects.toThrow(/replaced/);
    expect(await readFile(path)).toEqual(stored);
    first.close();
    expect(await readdir(folder)).toContain('disk.new');
    second.close();
    expect(await readdir(folder)).toEqual(['disk', 'disk.journal']);
  });
});
