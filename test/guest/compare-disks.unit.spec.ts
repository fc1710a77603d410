import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareDisks } from './compare-disks.js';

const SECTOR = 512;
const SECTORS = 4;

describe('compareDisks', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-compare-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  /** Disks of four sectors, each full of one byte; the second sector is free. */
  const compare = async (source: readonly number[], target: readonly number[]): Promise<number> => {
    const [one, other] = [join(folder, 'source'), join(folder, 'target')];
    const disk = (bytes: readonly number[]): Buffer => Buffer.concat(bytes.map((byte) => Buffer.alloc(SECTOR, byte)));
    await writeFile(one, disk(source));
    await writeFile(other, disk(target));
    return compareDisks(one, other, [{ offsetBytes: SECTOR, lengthBytes: SECTOR }]);
  };
  const source = Array.from({ length: SECTORS }, (_, index) => index + 1);

  it('finds equal disks equal', async () => {
    expect(await compare(source, source)).toBe(0);
  });

  it('lets leftovers in free sectors be zeros on the target, and counts them', async () => {
    expect(await compare(source, [1, 0, 3, 4])).toBe(SECTOR);
  });

  it.each([
    ['a used sector of zeros', [1, 2, 0, 4], /the used sector at byte 1024 is missing/],
    ['another content', [1, 2, 3, 9], /differ in the sector at byte 1536/],
    ['another content in what is free', [1, 9, 3, 4], /differ in the sector at byte 512/],
    ['another size', [1, 2, 3], /another size/],
  ])('refuses %s', async (_name, target, message) => {
    await expect(compare(source, target)).rejects.toThrow(message);
  });
});
