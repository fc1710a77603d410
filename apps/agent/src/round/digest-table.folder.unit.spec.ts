import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DigestTableFolder, fileNameOf } from './digest-table.folder.js';

describe('fileNameOf', () => {
  it('keeps plain ids and replaces all others by something that is one file name', () => {
    expect(fileNameOf('WD-WX12_3.4')).toBe('WD-WX12_3.4');
    for (const id of ['..', '.', '../../etc/passwd', 'a/b', '', 'x'.repeat(200), 'ü', 'a\0b']) {
      expect(fileNameOf(id)).toMatch(/^id-[0-9a-f]{64}$/);
    }
    expect(fileNameOf('a/b')).not.toBe(fileNameOf('a/c'));
  });
});

describe('DigestTableFolder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-digests-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('keeps the tables of the four most recent tasks, the current one among them', async () => {
    const tables = new DigestTableFolder(folder);
    for (const [index, task] of ['e', 'd', 'c', 'b', 'a'].entries()) {
      await tables.prepare(task);
      await utimes(join(folder, task), index, index);
    }
    await tables.prepare('e');
    await utimes(join(folder, 'e'), 0, 0);
    await tables.prepare('e');
    expect((await readdir(folder)).sort()).toEqual(['a', 'b', 'c', 'e']);
  });
});
