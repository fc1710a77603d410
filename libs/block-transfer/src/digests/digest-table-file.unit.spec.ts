import { copyFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DIGEST_BLOCK_BYTES, digestOf as digestBy } from './block-digest.js';
import type { TableHeader } from './digest-table.codec.js';
import { PAGE_BOUNDS, type PageBounds } from './digest-pages.js';
import { DigestTableFile, type OpenDigestJournal } from './digest-table-file.js';
import { DigestTable } from './digest-table.js';
import { createJournal } from './stored-journal.js';

const DISK_BYTES = 9 * DIGEST_BLOCK_BYTES + 512;
const algorithm = 'blake3';
const EXPECTED = { diskBytes: DISK_BYTES, algorithm, generation: 'boot-1' } as const;
const LOST = { table: null, baseline: 'lost' };
const OTHERS = [
  { ...EXPECTED, generation: 'boot-2' },
  { ...EXPECTED, generation: 'boot-10' },
  { ...EXPECTED, diskBytes: DISK_BYTES + 512 },
  { ...EXPECTED, diskBytes: DISK_BYTES + DIGEST_BLOCK_BYTES },
  { ...EXPECTED, algorithm: 'sha256' as const },
];
const digestOf = (text: string): Uint8Array => digestBy(Buffer.from(text), algorithm);

let folder: string;
let path: string;
let journalPath: string;
let table: DigestTable;
let bounds: PageBounds = PAGE_BOUNDS;
const journals: OpenDigestJournal[] = [];
const loaded: DigestTable[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-table-'));
  path = join(folder, 'disk.digests');
  journalPath = `${path}.journal`;
  table = DigestTable.unknown(DISK_BYTES, algorithm);
  for (let index = 0; index < table.blockCount; index += 1) {
    if (index !== 4) table.set(index, digestBy(Buffer.from([index]), algorithm));
  }
});
afterEach(async () => {
  // A killed process leaves no open file behind; a test that plays one must not either.
  for (const journal of journals.splice(0)) await journal.end().catch(() => undefined);
  for (const one of loaded.splice(0)) one.close();
  await rm(folder, { recursive: true });
});

const entriesOf = (of: DigestTable | null): Buffer =>
  Buffer.concat(Array.from(of?.parts(1024) ?? [], (part) => Buffer.from(part)));
/** As by a process that knows nothing of the one before. */
async function load(expected: TableHeader = EXPECTED): ReturnType<DigestTableFile['load']> {
  const found = await new DigestTableFile(path, bounds).load(expected);
  if (found.table !== null) loaded.push(found.table);
  return found;
}
async function begin(of: DigestTable): Promise<OpenDigestJournal> {
  const journal = await new DigestTableFile(path, bounds).begin(of, 'boot-1');
  journals.push(journal);
  return journal;
}
const save = async (of = table): Promise<void> => (await begin(of)).end();
async function expectLoaded(wanted: DigestTable): Promise<void> {
  const found = await load();
  expect(found.baseline).toBe('kept');
  expect(entriesOf(found.table).equals(entriesOf(wanted))).toBe(true);
  found.table?.close();
}

/** Of ten blocks: all in memory, and not even a third of them. */
const IN_PARTS = [
  ['in memory', PAGE_BOUNDS],
  ['in pages', { entriesPerPage: 3, pagesInMemory: 1 }],
] as const;

describe.each(IN_PARTS)('%s,', (_name, wanted) => {
  beforeEach(() => {
    bounds = wanted;
  });

  describe('a table on disk', () => {
    it('is "none" when there never was one', async () => {
      expect(await load()).toEqual({ table: null, baseline: 'none' });
    });

    it('comes back as it was ended, unknown entries as such', async () => {
      await save();
      await expectLoaded(table);
      expect((await load()).table?.isKnown(4)).toBe(false);
      expect(await readdir(folder)).toEqual(['disk.digests']);
    });

    it('is not trusted for another generation or disk size', async () => {
      await save();
      for (const other of OTHERS) expect(await load(other)).toEqual(LOST);
    });

    it('of the other algorithm is nothing known, with or without a journal, whichever was first', async () => {
      for (const [first, then] of [
        ['sha256', 'blake3'],
        ['blake3', 'sha256'],
      ] as const) {
        const [expected, wanted] = [first, then].map((one) => ({ ...EXPECTED, algorithm: one }));
        const kept = DigestTable.unknown(DISK_BYTES, first);
        kept.set(0, digestBy(Buffer.from('0'), first));
        await save(kept);
        expect((await load(expected)).table?.algorithm).toBe(first);
        expect(await load(wanted)).toEqual(LOST);
        const journal = await begin(kept);
        expect((await load(expected)).baseline).toBe('kept');
        expect(await load(wanted)).toEqual(LOST);
        await journal.end();
        // The journal of a first round goes on from no table.
        const fresh = await begin(DigestTable.unknown(DISK_BYTES, first));
        await fresh.confirm([{ index: 0, digest: kept.get(0) }]);
        expect((await load(expected)).table?.isKnown(0)).toBe(true);
        expect(await load(wanted)).toEqual(LOST);
        await fresh.end();
      }
    });

    it('of SHA-256 has the layout from before there was a choice', async () => {
      await save(DigestTable.unknown(DISK_BYTES, 'sha256'));
      expect((await readFile(path)).readUInt32BE(8)).toBe(2);
      await save();
      expect((await readFile(path)).readUInt32BE(8)).toBe(3);
    });

    it('is not trusted when it is torn, wherever it was cut', async () => {
      await save();
      const whole = join(folder, 'whole');
      await copyFile(path, whole);
      const { length } = await readFile(whole);
      for (const kept of [0, 5, 35, 40, Math.floor(length / 2), length - 1]) {
        await copyFile(whole, path);
        await truncate(path, kept);
        expect(await load(), `cut at ${kept}`).toEqual(LOST);
      }
    });

    it('is not trusted when any single byte of it changed', async () => {
      await save();
      const whole = await readFile(path);
      // Every byte of the header and of the digest at the end, and of the entries, which are all alike, each eleventh.
      for (let at = 0; at < whole.length; at += at < 128 || at >= whole.length - 64 ? 1 : 11) {
        await writeFile(path, changed(whole, at));
        expect(await load(), `byte ${at}`).toEqual(LOST);
      }
    });

    it('stays as it is beside a half-written successor', async () => {
      await save();
      await writeFile(`${path}.new`, 'half');
      await writeFile(`${journalPath}.new`, 'half');
      await expectLoaded(table);
    });

    it('is lost when an earlier version was stopped at work, until the next round', async () => {
      await save();
      await writeFile(`${path}.dirty`, 'boot-1\n');
      expect(await load()).toEqual(LOST);
      await save(DigestTable.unknown(DISK_BYTES, algorithm));
      await expectLoaded(DigestTable.unknown(DISK_BYTES, algorithm));
    });
  });

  describe('a journal beside it', () => {
    it('takes an entry away before its write, and gives it back when it is durable, in a killed process too', async () => {
      await save();
      const journal = await begin(table);
      await expectLoaded(table);
      await journal.forget([1, 2, 3, 8]);
      for (const index of [1, 2, 3, 8]) table.forget(index);
      await expectLoaded(table);
      await journal.confirm([
        { index: 2, digest: digestOf('new 2') },
        { index: 4, digest: digestOf('new 4') },
      ]);
      table.set(2, digestOf('new 2'));
      table.set(4, digestOf('new 4'));
      await expectLoaded(table);
      await journal.end();
      await expectLoaded(table);
      expect(await readdir(folder)).toEqual(['disk.digests']);
    });

    it('can be left: the table is not written again, and what it said since holds', async () => {
      await save();
      const stored = await readFile(path);
      const journal = await begin(table);
      await journal.forget([1, 2]);
      await journal.confirm([{ index: 2, digest: digestOf('new 2') }]);
      await journal.leave();
      await journal.end();
      await expect(journal.forget([3])).rejects.toThrow(/ended/);
      expect(await readFile(path)).toEqual(stored);
      table.forget(1);
      table.set(2, digestOf('new 2'));
      await expectLoaded(table);
      await save();
      await expectLoaded(table);
    });

    it('keeps what a first round confirmed, with no table to go on from', async () => {
      const fresh = DigestTable.unknown(DISK_BYTES, algorithm);
      const journal = await begin(fresh);
      await expectLoaded(fresh);
      expect(await readdir(folder)).toEqual(['disk.digests.journal']);
      await journal.confirm([{ index: 5, digest: digestOf('5') }]);
      fresh.set(5, digestOf('5'));
      await expectLoaded(fresh);
      await journal.end();
      await expectLoaded(fresh);
    });

    it('goes on after a killed process from what that one left', async () => {
      await save();
      await (await begin(table)).forget([0]);
      const { table: left } = await load();
      const next = await begin(left ?? table);
      await next.confirm([{ index: 0, digest: digestOf('again') }]);
      table.set(0, digestOf('again'));
      await expectLoaded(table);
    });

    it('holds as many blocks as a disk has, in records of bounded size', async () => {
      const blocks = 20_000;
      const expected = { ...EXPECTED, diskBytes: blocks * DIGEST_BLOCK_BYTES };
      const large = DigestTable.unknown(expected.diskBytes, algorithm);
      const journal = await begin(large);
      const all = Array.from({ length: blocks }, (_, index) => ({ index, digest: digestOf(`${index}`) }));
      await journal.confirm(all);
      // No neighbours, so that each is an item of its own.
      const odd = all.map(({ index }) => index).filter((index) => index % 2 === 1);
      await journal.forget(odd);
      for (const { index, digest } of all) if (index % 2 === 0) large.set(index, digest);
      expect(entriesOf((await load(expected)).table).equals(entriesOf(large))).toBe(true);
    });

    it('makes a table of zeros in a few bytes', async () => {
      const blocks = 16_384;
      const journal = await begin(DigestTable.unknown(blocks * DIGEST_BLOCK_BYTES, algorithm));
      const before = (await readFile(journalPath)).length;
      await journal.confirm(Array.from({ length: blocks }, (_, index) => ({ index, digest: digestOf('zeros') })));
      expect((await readFile(journalPath)).length - before).toBeLessThan(100);
    });

    it('is worth nothing when it names blocks that the disk does not have', async () => {
      const journal = await begin(DigestTable.unknown(DISK_BYTES, algorithm));
      await journal.confirm([{ index: 9, digest: digestOf('the last one') }]);
      expect((await load()).baseline).toBe('kept');
      await journal.confirm([{ index: 9, count: 2, digest: digestOf('and one more') }]);
      expect(await load()).toEqual(LOST);
    });

    it('refuses everything after its end, and to end what somebody else began', async () => {
      const journal = await begin(table);
      const other = await begin(table);
      await expect(journal.end()).rejects.toThrow(/not the journal/);
      await other.forget([0]);
      table.forget(0);
      await expectLoaded(table);
      await other.end();
      await other.end();
      await expect(other.forget([1])).rejects.toThrow(/ended/);
      await expect(other.confirm([])).rejects.toThrow(/ended/);
    });
  });

  describe('between two steps of a change of files', () => {
    let before: DigestTable;
    let oldTable: Buffer;
    let oldJournal: Buffer;

    /** Table and journal in the middle of a round, and what they stand for. */
    beforeEach(async () => {
      await save();
      const journal = await begin(table);
      await journal.forget([0, 1]);
      for (const index of [0, 1]) table.forget(index);
      before = DigestTable.unknown(DISK_BYTES, algorithm);
      before.copyFrom(table);
      [oldTable, oldJournal] = [await readFile(path), await readFile(journalPath)];
    });

    it('of an end: the new table is in place, the journal is not gone', async () => {
      await journals[1]?.end();
      await writeFile(journalPath, oldJournal);
      await expectLoaded(before);
    });

    it('of a beginning: the new table is in place, the journal is the one before', async () => {
      await begin(table);
      await writeFile(journalPath, oldJournal);
      await expectLoaded(before);
    });

    it('of a beginning with nothing known: the journal is in place, the table is not gone', async () => {
      await begin(DigestTable.unknown(DISK_BYTES, algorithm));
      await writeFile(path, oldTable);
      await expectLoaded(DigestTable.unknown(DISK_BYTES, algorithm));
      // Not even by a round that ends and begins again from there.
      await save((await load()).table ?? table);
      await expectLoaded(DigestTable.unknown(DISK_BYTES, algorithm));
    });

    it('never trusts a table without the journal that belongs to it, or the other way round', async () => {
      await begin(table);
      const newTable = await readFile(path);
      await writeFile(path, oldTable);
      expect(await load()).toEqual(LOST);
      await rm(path);
      expect(await load()).toEqual(LOST);
      await writeFile(path, changed(newTable, 100));
      expect(await load()).toEqual(LOST);
      await writeFile(path, newTable);
      await expectLoaded(before);
      for (const other of OTHERS) expect(await load(other)).toEqual(LOST);
      // Nor with a whole journal that goes on from another table.
      const base = Buffer.from(digestOf('another table'));
      const foreign = await createJournal(journalPath, { ...EXPECTED, sequence: 1000, base });
      await foreign.close();
      expect(await load()).toEqual(LOST);
    });
  });
});

/** A copy in which one byte is another. */
function changed(bytes: Buffer, at: number): Buffer {
  const damaged = Buffer.from(bytes);
  damaged.writeUInt8(damaged.readUInt8(at) ^ 0x10, at);
  return damaged;
}
