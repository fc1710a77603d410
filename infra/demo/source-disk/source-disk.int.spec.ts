import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { detachImage, imagesAttachedUnder } from '../machine/loop-device.js';
import { mountPointsUnder } from '../machine/mount-point.js';
import { commandOutput } from '../machine/run-command.js';
import {
  type OpenTargetDisk,
  checkFileSystem,
  compareTrees,
  compareUsedBlocks,
  openTargetDisk,
  usedBlocksOfExt4,
} from '../target-check/index.js';
import { type SourceDisk, createSourceDisk } from './index.js';

const MIB = 1024 * 1024;
const SIZE_MIB = 96;

describe('a source disk and the checks of its target', () => {
  let folder: string;
  let source: SourceDisk;
  const opened: OpenTargetDisk[] = [];

  const copyOfSource = async () => {
    const path = join(folder, 'target.img');
    await commandOutput('cp', ['--sparse=always', source.imagePath, path]);
    return path;
  };
  const openTarget = async (path: string) => {
    const target = await openTargetDisk(path);
    opened.push(target);
    return target;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-source-disk-'));
    source = await createSourceDisk({ folder, sizeMiB: SIZE_MIB, fileCount: 300, seed: 'one' });
  });

  afterEach(async () => {
    for (const target of opened.splice(0)) await target.close();
    await source.destroy();
    await rm(folder, { recursive: true, force: true });
  });

  it('is about half used, has files in its free blocks, and leaves nothing behind when it is destroyed', async () => {
    const usedPart = (await source.usedBytes()) / (SIZE_MIB * MIB);
    expect(usedPart).toBeGreaterThan(0.42);
    expect(usedPart).toBeLessThan(0.55);

    await source.remountReadOnly();
    const used = await usedBlocksOfExt4(source.partitionDevice);
    expect(await nonZeroBytesOutside(source.imagePath, used)).toBeGreaterThan(2 * MIB);

    await source.destroy();
    await source.destroy();
    expect(await imagesAttachedUnder(folder)).toEqual([]);
    expect(await mountPointsUnder(folder)).toEqual([]);

    // Whoever gets the device next keeps it.
    const next = { device: source.device, imagePath: join(folder, 'next.img') };
    await writeFile(next.imagePath, Buffer.alloc(MIB));
    await commandOutput('losetup', [next.device, next.imagePath]);
    await source.destroy();
    expect(await imagesAttachedUnder(folder)).toEqual([next]);
    await detachImage(next);
    expect(await imagesAttachedUnder(folder)).toEqual([]);
  });

  it('holds the same files with the same content for the same seed', async () => {
    const again = await createSourceDisk({ folder: join(folder, 'b'), sizeMiB: SIZE_MIB, fileCount: 300, seed: 'one' });
    try {
      const { differences } = await compareTrees(source.mountPoint, again.mountPoint);
      expect(differences.filter((line) => !line.includes(': modified '))).toEqual([]);
    } finally {
      await again.destroy();
    }
  });

  it('is equal to its copy in tree, file system and used blocks, once it is at rest', async () => {
    await source.mutate({ newFiles: 20, newBytes: 2 * MIB, deletedBytes: MIB });
    await source.remountReadOnly();
    const targetImage = await copyOfSource();
    const target = await openTarget(targetImage);

    expect(await checkFileSystem(target.partitionDevice)).toMatchObject({ isClean: true, exitCode: 0 });
    await target.mount(join(folder, 'target'));
    const trees = await compareTrees(source.mountPoint, join(folder, 'target'));
    expect(trees.differences).toEqual([]);
    expect(trees.files).toBeGreaterThan(250);
    expect(trees.bytes).toBeGreaterThan(35 * MIB);

    const used = await usedBlocksOfExt4(source.partitionDevice);
    const blocks = await compareUsedBlocks(source.device, targetImage, used);
    expect(blocks).toMatchObject({ isEqual: true, differing: [] });
    expect(blocks.comparedBytes).toBeGreaterThanOrEqual(await source.usedBytes());
  });

  it('differs from a copy made before 4 MiB were rewritten in place, in that many bytes and in its tree', async () => {
    await source.remountReadOnly();
    const targetImage = await copyOfSource();
    await source.unmount();
    await commandOutput('mount', [source.partitionDevice, source.mountPoint]);
    const usedBefore = await source.usedBytes();
    await source.rewriteInPlace(4 * MIB);
    expect(await source.usedBytes()).toBe(usedBefore);
    await source.remountReadOnly();

    const changedBytes = await differingBytes(source.imagePath, targetImage);
    expect(changedBytes).toBeGreaterThan(4 * MIB - 64 * 1024);
    expect(changedBytes).toBeLessThan(5 * MIB);
    const used = await usedBlocksOfExt4(source.partitionDevice);
    expect((await compareUsedBlocks(source.device, targetImage, used)).isEqual).toBe(false);

    const target = await openTarget(targetImage);
    await target.mount(join(folder, 'target'));
    const trees = await compareTrees(source.mountPoint, join(folder, 'target'));
    expect(trees.isEqual).toBe(false);
    expect(trees.differences.join('\n')).toContain(': sha256 ');
  });

  it('finds a single changed byte in a used block, and a file system that lost its inode table', async () => {
    await source.remountReadOnly();
    const targetImage = await copyOfSource();
    const used = await usedBlocksOfExt4(source.partitionDevice);
    const last = used.at(-1)!;
    const changedAt = last.offsetBytes + last.lengthBytes - 1;
    await change(targetImage, changedAt, 1);
    const { differing } = await compareUsedBlocks(source.device, targetImage, used);
    expect(differing).toHaveLength(1);
    expect(differing[0]!.offsetBytes).toBeLessThanOrEqual(changedAt);

    const layout = await commandOutput('dumpe2fs', [source.partitionDevice]);
    const inodeTable = Number(/Inode table at (\d+)-/.exec(layout)![1]);
    const blockBytes = Number(/^Block size:\s+(\d+)$/m.exec(layout)![1]);
    await change(targetImage, MIB + inodeTable * blockBytes, 4096);
    const target = await openTarget(targetImage);
    expect((await checkFileSystem(target.partitionDevice)).isClean).toBe(false);
  });
});

async function change(path: string, offset: number, lengthBytes: number): Promise<void> {
  const file = await open(path, 'r+');
  const bytes = Buffer.alloc(lengthBytes);
  await file.read(bytes, 0, lengthBytes, offset);
  await file.write(
    bytes.map((byte) => byte ^ 0xff),
    0,
    lengthBytes,
    offset,
  );
  await file.close();
}

async function nonZeroBytesOutside(
  path: string,
  used: readonly { readonly offsetBytes: number; readonly lengthBytes: number }[],
): Promise<number> {
  const image = await readFile(path);
  for (const { offsetBytes, lengthBytes } of used) image.fill(0, offsetBytes, offsetBytes + lengthBytes);
  return image.reduce((count, byte) => (byte === 0 ? count : count + 1), 0);
}

async function differingBytes(a: string, b: string): Promise<number> {
  const [left, right] = [await readFile(a), await readFile(b)];
  return left.reduce((count, byte, at) => (byte === right[at] ? count : count + 1), 0);
}
