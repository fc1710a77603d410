import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteRange } from '#libs/contracts';
import { clipExtents, invertExtents, mergeExtents, parseDomainMap } from '#libs/block-transfer';
import { run } from '../fault/tracked-rounds/mounted-disk.js';

/**
 * e2fsprogs' own list of free blocks, as ranges of the disk. Of a run of clusters (`bigalloc`) it names the first block
 * of the first and of the last one; the file system's last cluster may be short.
 */
export async function freeByDumpe2fs(device: string, startBytes: number): Promise<ByteRange[]> {
  const text = await run('dumpe2fs', device);
  const blockBytes = Number(/^Block size:\s+(\d+)/m.exec(text)?.[1]);
  const clusterBlocks = Number(/^Cluster size:\s+(\d+)/m.exec(text)?.[1] ?? blockBytes) / blockBytes;
  const blocksInAll = Number(/^Block count:\s+(\d+)/m.exec(text)?.[1]);
  const ranges: ByteRange[] = [];
  for (const [, list] of text.matchAll(/^ {2}Free blocks: (.*)$/gm)) {
    for (const [, first, last] of (list ?? '').matchAll(/(\d+)(?:-(\d+))?/g)) {
      const end = Math.min(Number(last ?? first) + clusterBlocks, blocksInAll);
      const blocks = end - Number(first);
      ranges.push({ offsetBytes: startBytes + Number(first) * blockBytes, lengthBytes: blocks * blockBytes });
    }
  }
  return mergeExtents(ranges);
}

/** What `partclone.<tool>` calls free, as ranges of the disk. */
export async function freeByPartclone(tool: string, device: string, startBytes: number): Promise<ByteRange[]> {
  const folder = await mkdtemp(join(tmpdir(), 'landfall-map-'));
  try {
    const map = join(folder, 'domain');
    await run(`partclone.${tool}`, '-D', '-q', '-F', '-L', '/dev/null', '-s', device, '-O', map);
    return parseDomainMap(await readFile(map, 'utf8'), startBytes).free;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Nothing below is used by chunks; the first superblock and room for boot loaders. */
const BTRFS_RESERVED_BYTES = 1024 * 1024;

/**
 * What btrfs-progs lists in no extent, of a btrfs on one device; partclone knows no less than a node of 16 KiB. Copies
 * of the superblock count as free.
 */
export async function freeByBtrfsProgs(image: string): Promise<ByteRange[]> {
  const dump = (tree: string): Promise<string> => run('btrfs', 'inspect-internal', 'dump-tree', '-t', tree, image);
  const superblock = await run('btrfs', 'inspect-internal', 'dump-super', image);
  const value = (name: string): number => Number(new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(superblock)?.[1]);
  const items = (await dump('extent')).matchAll(/key \((\d+) (EXTENT|METADATA)_ITEM (\d+)\)/g);
  const used = mergeExtents(
    [...items].map(([, start, kind, length]) => ({
      offsetBytes: Number(start),
      lengthBytes: kind === 'METADATA' ? value('nodesize') : Number(length),
    })),
  );
  const stripes: ByteRange[] = [];
  const free: ByteRange[] = [];
  for (const part of (await dump('chunk')).split(/CHUNK_ITEM (?=\d+\))/).slice(1)) {
    const logical = Number.parseInt(part, 10);
    const lengthBytes = Number(/length (\d+)/.exec(part)?.[1]);
    const all = invertExtents(used, logical + lengthBytes);
    const within = clipExtents(all, { offsetBytes: logical, lengthBytes });
    for (const [, offset] of part.matchAll(/devid 1 offset (\d+)/g)) {
      stripes.push({ offsetBytes: Number(offset), lengthBytes });
      for (const range of within) free.push({ ...range, offsetBytes: range.offsetBytes - logical + Number(offset) });
    }
  }
  const reserved = { offsetBytes: 0, lengthBytes: BTRFS_RESERVED_BYTES };
  return mergeExtents([...free, ...invertExtents(mergeExtents([reserved, ...stripes]), value('total_bytes'))]);
}
