import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DIGEST_BLOCK_BYTES, sha256 } from './block-digest.js';
import { DigestTableFile } from './digest-table-file.js';
import { DigestTable } from './digest-table.js';

const DISK_BYTES = 9 * DIGEST_BLOCK_BYTES + 512;
const EXPECTED = { diskBytes: DISK_BYTES, generation: 'boot-1' };

describe('DigestTableFile', () => {
  let folder: string;
  let path: string;
  let file: DigestTableFile;
  let table: DigestTable;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-table-'));
    path = join(folder, 'disk.digests');
    file = new DigestTableFile(path);
    table = DigestTable.unknown(DISK_BYTES);
    for (let index = 0; index < table.blockCount; index += 1) {
      if (index !== 4) table.set(index, sha256(Buffer.from([index])));
    }
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('says "none" when there never was a table', async () => {
    expect(await file.load(EXPECTED)).toEqual({ table: null, baseline: 'none' });
  });

  it('gives back what was saved, unknown entries as such', async () => {
    await file.save(table, 'boot-1');
    const loaded = await new DigestTableFile(path).load(EXPECTED);
    expect(loaded.baseline).toBe('kept');
    expect(Buffer.from(loaded.table?.raw() ?? [])).toEqual(Buffer.from(table.raw()));
    expect(loaded.table?.isKnown(4)).toBe(false);
  });

  it('does not trust a table whose round was interrupted, until the next save', async () => {
    await file.save(table, 'boot-1');
    await file.markDirty('boot-1');
    expect(await new DigestTableFile(path).load(EXPECTED)).toEqual({ table: null, baseline: 'lost' });
    await file.save(table, 'boot-1');
    expect((await file.load(EXPECTED)).baseline).toBe('kept');
  });

  it('calls an interrupted first round lost too: the target was written', async () => {
    await file.markDirty('boot-1');
    expect(await file.load(EXPECTED)).toEqual({ table: null, baseline: 'lost' });
  });

  it('does not trust a table of another generation or disk size', async () => {
    await file.save(table, 'boot-1');
    for (const other of [
      { ...EXPECTED, generation: 'boot-2' },
      { ...EXPECTED, generation: 'boot-10' },
      { ...EXPECTED, diskBytes: DISK_BYTES + 512 },
      { ...EXPECTED, diskBytes: DISK_BYTES + DIGEST_BLOCK_BYTES },
    ]) {
      expect(await file.load(other)).toEqual({ table: null, baseline: 'lost' });
    }
  });

  it('does not trust a torn table, wherever it was cut', async () => {
    await file.save(table, 'boot-1');
    const whole = join(folder, 'whole');
    await copyFile(path, whole);
    const { length } = await readFile(whole);
    for (const kept of [0, 5, 27, 40, Math.floor(length / 2), length - 1]) {
      await copyFile(whole, path);
      await truncate(path, kept);
      expect((await file.load(EXPECTED)).baseline, `cut at ${kept}`).toBe('lost');
    }
  });

  it('does not trust a table in which any single byte changed', async () => {
    await file.save(table, 'boot-1');
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at += 1) {
      const damaged = Buffer.from(whole);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 0x10, at);
      await writeFile(path, damaged);
      expect((await file.load(EXPECTED)).baseline, `byte ${at}`).toBe('lost');
    }
  });

  it('ignores a half-written successor: the old table stays', async () => {
    await file.save(table, 'boot-1');
    await writeFile(`${path}.new`, 'half');
    expect((await file.load(EXPECTED)).baseline).toBe('kept');
  });
});
