import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TargetDisks } from './target-disks.js';

const SIZE_BYTES = 64 * 1024 * 1024;

describe('TargetDisks', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-target-'));
    path = join(folder, 'a.img');
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });
  const disks = (): TargetDisks => new TargetDisks([{ diskId: 'a', path, sizeBytes: SIZE_BYTES }]);
  const missing = expect.objectContaining({ code: 'TARGET_DISK_MISSING' });

  it('creates a missing image sparse, for its owner only, and leaves it alone afterwards', async () => {
    await disks().prepare();
    const created = await stat(path);
    expect([created.size, created.blocks, created.mode & 0o777]).toEqual([SIZE_BYTES, 0, 0o600]);
    await disks().prepare();
    expect((await stat(path)).ino).toBe(created.ino);
    await disks().flush();
  });

  it('never changes the size of an image', async () => {
    await writeFile(path, 'something');
    await expect(disks().prepare()).rejects.toEqual(missing);
    expect((await stat(path)).size).toBe(9);
  });

  it('takes no folder or device for an image', async () => {
    path = folder;
    await expect(disks().prepare()).rejects.toEqual(missing);
  });

  it('finds what an assignment wants, and nothing else', () => {
    expect(disks().find([{ diskId: 'a', sizeBytes: SIZE_BYTES }])).toEqual([
      { diskId: 'a', path, sizeBytes: SIZE_BYTES },
    ]);
    expect(() => disks().find([{ diskId: 'b', sizeBytes: SIZE_BYTES }])).toThrow(missing);
    expect(() => disks().find([{ diskId: 'a', sizeBytes: SIZE_BYTES + 1 }])).toThrow(missing);
  });

  it('gives of a disk that is larger than its source what the source has', () => {
    expect(disks().find([{ diskId: 'a', sizeBytes: 1024 }])).toEqual([{ diskId: 'a', path, sizeBytes: 1024 }]);
  });

  it('takes no image for made that was cut short', async () => {
    await writeFile(`${path}.new`, 'what is left of one');
    await disks().prepare();
    expect((await stat(path)).size).toBe(SIZE_BYTES);
    await rm(path);
    await mkdir(`${path}.new`);
    await expect(disks().prepare()).rejects.toThrow('EISDIR');
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });
});
