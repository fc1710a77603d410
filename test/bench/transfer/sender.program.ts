/**
 * The measured program of ours: one disk, one round, as an agent does it, from start to exit. Bundled into one file like
 * the agent, because how long a program takes to start is part of what is measured.
 */
import {
  DIGEST_BLOCK_BYTES,
  DigestTable,
  DigestTableFile,
  MachinePace,
  endOf,
  openSourceDisk,
  syncDisk,
  usedBlocksOf,
  usedMapOf,
  type UsedMap,
} from '#libs/block-transfer';
import { UNLIMITED_THROTTLE, type ByteRange } from '#libs/contracts';
import { keepHeapSmall } from '#libs/endpoint-link';
import type { SenderOrder, SenderReport, Spent } from './sender.order.js';

const GENERATION = 'benchmark';

async function main(order: SenderOrder): Promise<SenderReport> {
  const { disk, target, identity, algorithm, tableFile } = order;
  const diskBytes = disk.sizeBytes;
  const tables = tableFile === null ? null : new DigestTableFile(tableFile);
  const header = { diskBytes, algorithm, generation: GENERATION };
  const table = tables === null ? null : (await tables.load(header)).table;
  const digests = table ?? tables?.unknown(header) ?? DigestTable.unknown(diskBytes, algorithm);
  const journal = await tables?.begin(digests, GENERATION);
  const source = await openSourceDisk(disk.device);
  const machine = new MachinePace();
  machine.adjust({ ...UNLIMITED_THROTTLE, networkBytesPerSecond: order.capBytesPerSecond });
  const pace = order.capBytesPerSecond === null ? null : await machine.ofDisk(disk.device, false);
  let meter: TransferMeter | undefined;
  try {
    const result = await syncDisk({
      diskId: disk.diskId,
      source,
      used: await usedOf(order),
      target,
      ...(identity === null ? {} : { security: { identity } }),
      baseline: table,
      digests,
      dirty: order.dirty === null ? null : new Set(blocksOf(order.dirty)),
      ...(journal === undefined ? {} : { journal }),
      ...(pace === null ? {} : { pace }),
      onConnected: () => (meter = new TransferMeter()),
    });
    const { sentBytes, readBytes, zeroedBytes, rootDigest } = result;
    return { sentBytes, readBytes, zeroedBytes, spent: meter?.read() ?? [], rootDigest };
  } finally {
    pace?.close();
    await source.close();
    await journal?.end();
    digests.close();
  }
}

/** Notes every second what was spent since it was made. */
class TransferMeter {
  private readonly startedMs = performance.now();
  private readonly startedCpu = process.cpuUsage();
  private readonly spent: Spent[] = [{ ms: 0, cpuMs: 0 }];

  constructor() {
    // Nothing waits for it: the program ends with its round.
    setInterval(() => this.read(), 1000).unref();
  }

  read(): readonly Spent[] {
    const { user, system } = process.cpuUsage(this.startedCpu);
    this.spent.push({ ms: performance.now() - this.startedMs, cpuMs: (user + system) / 1000 });
    return this.spent;
  }
}

async function usedOf({ used, disk }: SenderOrder): Promise<UsedMap> {
  if (used === 'discover') return usedBlocksOf(disk);
  return usedMapOf(disk.sizeBytes, [{ offsetBytes: 0, lengthBytes: disk.sizeBytes }]);
}

function* blocksOf(ranges: readonly ByteRange[]): Generator<number> {
  for (const range of ranges) {
    for (let offset = range.offsetBytes; offset < endOf(range); offset += DIGEST_BLOCK_BYTES) {
      yield offset / DIGEST_BLOCK_BYTES;
    }
  }
}

keepHeapSmall();
process.stdout.write(JSON.stringify(await main(JSON.parse(process.argv[2] ?? '') as SenderOrder)));
