/**
 * The measured program of ours: one disk, one round, as an agent does it, from start to exit. Bundled into one file like
 * the agent, because how long a program takes to start is part of what is measured.
 */
import {
  DIGEST_BLOCK_BYTES,
  DigestTable,
  DigestTableFile,
  DiskResume,
  endOf,
  openSourceDisk,
  syncDisk,
  usedBlocksOf,
  usedMapOf,
  type UsedMap,
} from '#libs/block-transfer';
import type { ByteRange } from '#libs/contracts';
import type { SenderOrder, SenderReport } from './sender.order.js';

const GENERATION = 'benchmark';

async function main(order: SenderOrder): Promise<SenderReport> {
  const { disk, target, identity, algorithm, tableFile } = order;
  const diskBytes = disk.sizeBytes;
  const tables = tableFile === null ? null : new DigestTableFile(tableFile);
  const table = tables === null ? null : (await tables.load({ diskBytes, algorithm, generation: GENERATION })).table;
  const digests = table ?? DigestTable.unknown(diskBytes, algorithm);
  const journal = await tables?.begin(digests, GENERATION);
  const source = await openSourceDisk(disk.device);
  let connected = { ms: performance.now(), cpu: process.cpuUsage() };
  try {
    const resume = new DiskResume(diskBytes);
    if (order.dirty !== null) leaveOut(resume, digests, order.dirty);
    const result = await syncDisk({
      diskId: disk.diskId,
      source,
      used: await usedOf(order),
      target,
      ...(identity === null ? {} : { security: { identity } }),
      baseline: table,
      digests,
      resume,
      ...(journal === undefined ? {} : { journal }),
      onConnected: () => (connected = { ms: performance.now(), cpu: process.cpuUsage() }),
    });
    const { user, system } = process.cpuUsage(connected.cpu);
    const { sentBytes, readBytes, zeroedBytes, rootDigest } = result;
    const transferMs = performance.now() - connected.ms;
    return { sentBytes, readBytes, zeroedBytes, transferMs, transferCpuMs: (user + system) / 1000, rootDigest };
  } finally {
    await source.close();
    await journal?.end();
  }
}

async function usedOf({ used, disk }: SenderOrder): Promise<UsedMap> {
  if (used === 'discover') return usedBlocksOf(disk);
  return usedMapOf(disk.sizeBytes, [{ offsetBytes: 0, lengthBytes: disk.sizeBytes }]);
}

/** Stands in for change tracking: what did not change counts as done, so it is neither read nor compared. */
function leaveOut(resume: DiskResume, digests: DigestTable, dirty: readonly ByteRange[]): void {
  const changed = new Set(blocksOf(dirty));
  for (let index = 0; index < digests.blockCount; index += 1) if (!changed.has(index)) resume.foundEqual(index);
}

function* blocksOf(ranges: readonly ByteRange[]): Generator<number> {
  for (const range of ranges) {
    for (let offset = range.offsetBytes; offset < endOf(range); offset += DIGEST_BLOCK_BYTES) {
      yield offset / DIGEST_BLOCK_BYTES;
    }
  }
}

process.stdout.write(JSON.stringify(await main(JSON.parse(process.argv[2] ?? '') as SenderOrder)));
