import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DIGEST_BLOCK_BYTES, digestOfBlock } from './block-digest.js';
import { digestDisk } from './digest-disk.js';
import { DigestTable } from './digest-table.js';
import { groupDigestsOf } from './group-digests.js';
import { openFilesIn } from './open-files.fake.js';

const MIB = 1024 * 1024;
/** More reads than are in flight at once, and a short block. */
const CONTENT = randomBytes(9 * MIB + 4096);

describe.each(['blake3', 'sha256'] as const)('digestDisk by %s', (algorithm) => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-digest-'));
    path = join(folder, 'disk');
    await writeFile(path, CONTENT);
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it.each([CONTENT.length, 5 * MIB + 512, 100])(
    'has the digests of the first %i bytes, in order',
    async (diskBytes) => {
      const wanted = DigestTable.unknown(diskBytes, algorithm);
      for (let index = 0; index < wanted.blockCount; index += 1) {
        const start = index * DIGEST_BLOCK_BYTES;
        wanted.set(index, digestOfBlock(CONTENT.subarray(start, start + wanted.blockBytes(index)), algorithm));
      }
      const found = DigestTable.unknown(diskBytes, algorithm);
      const firsts: number[] = [];
      const progress: number[] = [];
      const digests = await digestDisk(path, {
        ...{ algorithm, diskBytes },
        onProgress: (processedBytes) => progress.push(processedBytes),
        onDigests: (first, entries) => {
          firsts.push(first);
          found.enter(first, entries);
        },
      });
      expect(digests).toEqual({
        algorithm,
        rootDigest: await wanted.rootDigest(),
        groupDigests: await groupDigestsOf(wanted),
      });
      expect(await found.rootDigest()).toBe(digests.rootDigest);
      for (const list of [firsts, progress]) expect(list).toEqual(list.toSorted((a, b) => a - b));
      expect(progress.at(-1)).toBe(diskBytes);
    },
  );

  it('rejects, with no file left open, when the disk is too small, and when it is told to stop', async () => {
    const tooLarge = { algorithm, diskBytes: CONTENT.length + 1 };
    await expect(digestDisk(path, tooLarge)).rejects.toMatchObject({ code: 'SOURCE_DISK_CHANGED' });
    const stop = new AbortController();
    const progress: number[] = [];
    const stopped = digestDisk(path, {
      ...{ algorithm, signal: stop.signal },
      onProgress: (processedBytes) => {
        progress.push(processedBytes);
        stop.abort(new Error('told to stop'));
      },
    });
    await expect(stopped).rejects.toThrow('told to stop');
    expect(progress).toEqual([MIB]);
    expect(await openFilesIn(folder)).toBe(0);
  });
});
