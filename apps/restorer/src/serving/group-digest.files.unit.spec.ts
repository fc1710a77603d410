import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GroupDigestFiles } from './group-digest.files.js';

describe('GroupDigestFiles', () => {
  let folder: string;
  let log: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-groups-'));
    log = [];
  });
  afterEach(() => rm(folder, { recursive: true }));
  const files = (): GroupDigestFiles => new GroupDigestFiles(folder, (_level, message) => log.push(message));

  it('keeps the newest of each disk, whatever its name, for the next process too', async () => {
    for (const [diskId, fill] of [
      ['../a/b', 1],
      ['..', 2],
      ['../a/b', 3],
    ] as const) {
      await files().keep(diskId, new Uint8Array(32).fill(fill));
    }
    const paths = await Promise.all([files().pathOf('../a/b'), files().pathOf('..')]);
    const contents = await Promise.all(paths.map((path) => readFile(path!)));
    expect(contents.map((content) => [...new Set(content)])).toEqual([[3], [2]]);
    for (const path of paths) {
      expect(path?.startsWith(join(folder, 'group-digests'))).toBe(true);
      expect((await stat(path!)).mode & 0o777).toBe(0o600);
    }
    expect(log).toEqual([]);
  });

  it('has none of a disk that was never verified', async () => {
    expect(await files().pathOf('a')).toBeNull();
  });

  it('lets a verification go on when they cannot be kept, and says so', async () => {
    await writeFile(join(folder, 'group-digests'), 'in the way');
    await files().keep('a', new Uint8Array(32));
    expect(log).toEqual([expect.stringContaining('The group digests of a could not be kept')]);
    expect(await files().pathOf('a')).toBeNull();
  });
});
