import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ByteRange } from '#libs/contracts';
import { commandOutput } from '../machine/run-command.js';

const SYSFS_SECTOR_BYTES = 512;

/**
 * The used blocks of an ext4 partition as ranges of its disk, by dumpe2fs: independent of the maps that a
 * migration goes by. The file system is at rest (unmounted, or mounted read-only).
 *
 * @throws CommandFailed when there is no such file system; Error on output that is not understood
 */
export async function usedBlocksOfExt4(partitionDevice: string): Promise<readonly ByteRange[]> {
  const sysfs = join('/sys/class/block', basename(partitionDevice), 'start');
  const startBytes = Number(await readFile(sysfs, 'utf8')) * SYSFS_SECTOR_BYTES;
  return usedExtents(await commandOutput('dumpe2fs', [partitionDevice]), startBytes);
}

/**
 * @param dump dumpe2fs's output, which lists the free blocks of each group
 * @param startBytes where the partition begins on its disk
 */
export function usedExtents(dump: string, startBytes: number): readonly ByteRange[] {
  const blockBytes = numberIn(dump, /^Block size:\s+(\d+)$/m);
  const firstBlock = numberIn(dump, /^First block:\s+(\d+)$/m);
  const blockCount = numberIn(dump, /^Block count:\s+(\d+)$/m);
  const used: ByteRange[] = [];
  let next = firstBlock;
  for (const { first, last } of [...freeBlocks(dump), { first: blockCount, last: blockCount }]) {
    if (first > next) {
      used.push({ offsetBytes: startBytes + next * blockBytes, lengthBytes: (first - next) * blockBytes });
    }
    next = last + 1;
  }
  return used;
}

type Blocks = { readonly first: number; readonly last: number };

/** In ascending order, as the groups are. */
function freeBlocks(dump: string): readonly Blocks[] {
  return [...dump.matchAll(/^ {2}Free blocks: (.*)$/gm)].flatMap(([, list = '']) =>
    list
      .split(', ')
      .filter((range) => range !== '')
      .map((range) => {
        const [first = '', last = first] = range.split('-');
        return { first: Number(first), last: Number(last) };
      }),
  );
}

function numberIn(dump: string, pattern: RegExp): number {
  const found = pattern.exec(dump)?.[1];
  if (found === undefined) throw new Error(`dumpe2fs said nothing that matches ${pattern.source}`);
  return Number(found);
}
