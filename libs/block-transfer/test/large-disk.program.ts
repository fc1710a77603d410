/**
 * A process of its own, whose memory a test looks at: rounds over one disk that is far larger than what is used of it,
 * as an agent does them. Prints what it found as JSON.
 */
import { writeFile } from 'node:fs/promises';
import {
  DigestTableFile,
  DiskResume,
  forgetDifferences,
  groupDigestsOf,
  openSourceDisk,
  roundBuffers,
  startNbdkit,
  syncDisk,
  usedMapOf,
  type DigestTable,
  type OpenDigestJournal,
  type SyncDiskResult,
} from '#libs/block-transfer';
import { changeSource, FORGOTTEN_PER_GIB, type LargeDiskOrder, type LargeDiskReport } from './large-disk.order.js';

const GENERATION = 'large';
const BLOCKS_PER_GIB = 16_384;
/** Digests in the journal of a process that is gone: 80 MB of it. */
const CONFIRMED_BLOCKS = 2_000_000;
const CONFIRMED_AT_ONCE = 1024;

class LargeDisk {
  private readonly tables: DigestTableFile;
  private readonly buffers = roundBuffers();
  /** Its file would be closed if nobody held it. */
  private abandoned: OpenDigestJournal | null = null;

  constructor(private readonly order: LargeDiskOrder) {
    this.tables = new DigestTableFile(order.tableFile);
  }

  async rounds(): Promise<LargeDiskReport> {
    const results = [await this.round(4)];
    await this.killedRound();
    await changeSource(this.order.source);
    results.push(await this.round());
    const repairedBytes = await this.repair();
    results.push(await this.round());
    return {
      rootDigests: results.map(({ rootDigest }) => rootDigest),
      sentBytes: results.map(({ sentBytes }) => sentBytes),
      repairedBytes,
      peakBytes: process.resourceUsage().maxRSS * 1024,
    };
  }

  private async load(): Promise<{ digests: DigestTable; isKnown: boolean }> {
    const header = { diskBytes: this.order.diskBytes, algorithm: 'blake3', generation: GENERATION } as const;
    const { table } = await this.tables.load(header);
    return { digests: table ?? this.tables.unknown(header), isKnown: table !== null };
  }

  /** @param cutAfter so many FLUSHes, and goes on in another attempt */
  private async round(cutAfter = Infinity): Promise<SyncDiskResult> {
    const resume = new DiskResume(this.order.diskBytes);
    const { digests, isKnown } = await this.load();
    digests.close();
    const cut = new AbortController();
    let flushes = 0;
    const onAcknowledged = (): void => {
      flushes += 1;
      if (flushes === cutAfter) cut.abort(new Error('cut'));
    };
    try {
      return await this.attempt(isKnown, { resume, onAcknowledged, signal: cut.signal });
    } catch (error) {
      if (!cut.signal.aborted) throw error;
      return await this.attempt(isKnown, { resume });
    }
  }

  private async attempt(
    compares: boolean,
    given: Pick<Parameters<typeof syncDisk>[0], 'resume' | 'signal' | 'onAcknowledged'>,
  ): Promise<SyncDiskResult> {
    const { diskBytes, source: device, target: path, used } = this.order;
    const { digests } = await this.load();
    const journal = await this.tables.begin(digests, GENERATION);
    const server = await startNbdkit({ path, host: '127.0.0.1' });
    const source = await openSourceDisk(device);
    try {
      return await syncDisk({
        ...{ diskId: 'large', source, used: usedMapOf(diskBytes, used), target: server.export },
        ...{ baseline: compares ? digests : null, digests, journal, buffers: this.buffers, ...given },
      });
    } finally {
      await journal.end();
      await source.close();
      await server.close();
      digests.close();
    }
  }

  /** Entries of the whole disk change, and only a long journal says so: the process is gone before it could end it. */
  private async killedRound(): Promise<void> {
    const { digests } = await this.load();
    const journal = await this.tables.begin(digests, GENERATION);
    for (let first = BLOCKS_PER_GIB; first < digests.blockCount; first += BLOCKS_PER_GIB) {
      await journal.forget(Array.from({ length: FORGOTTEN_PER_GIB }, (_, place) => first + place));
    }
    const digest = digests.get(digests.blockCount - 1);
    const end = BLOCKS_PER_GIB + CONFIRMED_BLOCKS;
    for (let first = BLOCKS_PER_GIB; first < end; first += CONFIRMED_AT_ONCE) {
      // From the last to the first, so that each has an item of its own.
      await journal.confirm(
        Array.from({ length: CONFIRMED_AT_ONCE }, (_, place) => ({
          index: first + CONFIRMED_AT_ONCE - 1 - place,
          digest,
        })),
      );
    }
    digests.close();
    this.abandoned = journal;
  }

  /** The target is said to differ in its first and last group. */
  private async repair(): Promise<number> {
    const { digests } = await this.load();
    const groups = await groupDigestsOf(digests);
    for (const at of [0, groups.length - 1]) groups[at] = (groups[at] ?? 0) ^ 1;
    const groupFile = `${this.order.tableFile}.groups`;
    await writeFile(groupFile, groups);
    const servers = [];
    for (const path of [this.order.target, groupFile]) {
      servers.push(await startNbdkit({ path, host: '127.0.0.1', readOnly: true }));
    }
    const [target, groupDigests] = servers.map((server) => server.export);
    if (target === undefined || groupDigests === undefined) throw new Error('nothing is served');
    const journal = await this.tables.begin(digests, GENERATION);
    try {
      return (await forgetDifferences({ digests, journal, target, groupDigests })).totalBytes;
    } finally {
      await journal.end();
      for (const server of servers) await server.close();
      digests.close();
    }
  }
}

const order = JSON.parse(process.argv[2] ?? '') as LargeDiskOrder;
process.stdout.write(JSON.stringify(await new LargeDisk(order).rounds()));
