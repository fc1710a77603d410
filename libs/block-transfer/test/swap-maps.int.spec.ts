import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { run } from './ext-disk.js';
import { FileSystemImage } from './file-system-image.js';

const MIB = 1024 * 1024;
const UUID = '2c3a7ad0-2e1f-4b1e-9f6a-0f7a6a1c9b11';

describe('the map of swap space', () => {
  let image: FileSystemImage | null = null;
  afterEach(async () => {
    await image?.dispose();
    image = null;
  });

  it.each([4096, 65_536])('leaves what swapon and blkid need, with pages of %i bytes', async (pageBytes) => {
    image = await FileSystemImage.create('swap', 40 * MIB, (path) =>
      run('mkswap', '-p', String(pageBytes), '-U', UUID, '-L', 'landfall', path),
    );
    const [free, ...others] = await image.free();
    expect(others).toEqual([]);
    expect(free).toEqual({ offsetBytes: 65_536, lengthBytes: 40 * MIB - 65_536 });
    // The target: used bytes as they are, zeros elsewhere.
    const target = join(image.folder, 'target.img');
    const file = await open(target, 'w');
    await file.write(await image.bytes(0, free!.offsetBytes));
    await file.truncate(image.sizeBytes);
    await file.close();
    const told = await run('blkid', '-p', '-o', 'export', target);
    expect(told).toContain(`UUID=${UUID}`);
    expect(told).toContain('LABEL=landfall');
    expect(told).toContain('TYPE=swap');
    if (pageBytes !== 4096) return;
    const loop = (await run('losetup', '--show', '-f', target)).trim();
    try {
      await run('swapon', loop);
      expect(await run('swapon', '--show=NAME,SIZE', '--bytes', '--noheadings')).toContain(
        `${loop} ${40 * MIB - pageBytes}`,
      );
      await run('swapoff', loop);
    } finally {
      await run('losetup', '-d', loop);
    }
  });
});
