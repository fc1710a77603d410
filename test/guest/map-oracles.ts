import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteRange } from '#libs/contracts';
import { mergeExtents, parseDomainMap } from '#libs/block-transfer';
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
