import { DIGEST_BLOCK_BYTES } from '#libs/block-transfer';
import type { ByteRange, EndpointReport } from '#libs/contracts';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AcknowledgedRangesReporter } from './acknowledged-ranges.reporter.js';

const OF_ATTEMPT = { taskId: 'task', assignmentId: 'attempt', roundId: 'round' };
const BLOCKS = 100_001;
/** The last block is shorter. */
const DISK_BYTES = (BLOCKS - 1) * DIGEST_BLOCK_BYTES + 512;
const A = { diskId: 'a', diskBytes: DISK_BYTES };
const B = { diskId: 'b', diskBytes: DISK_BYTES };

/** Whole blocks. */
function blocks(first: number, count = 1): ByteRange {
  const offsetBytes = first * DIGEST_BLOCK_BYTES;
  return { offsetBytes, lengthBytes: Math.min(count * DIGEST_BLOCK_BYTES, DISK_BYTES - offsetBytes) };
}

/** What is left when garbage is collected: how much of that lies about is a matter of the machine's other work. */
function keptBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function reporting(): {
  reporter: AcknowledgedRangesReporter;
  sent: { diskId: string; ranges: readonly ByteRange[] }[];
  answer: () => Promise<void>;
  answerAll: () => Promise<void>;
} {
  const sent: { diskId: string; ranges: readonly ByteRange[] }[] = [];
  const answers: (() => void)[] = [];
  const reporter = new AcknowledgedRangesReporter(OF_ATTEMPT, (report: EndpointReport) => {
    if (report.kind !== 'ranges-acknowledged') throw new Error('another report');
    sent.push({ diskId: report.diskId, ranges: report.ranges });
    return new Promise<void>((resolve) => answers.push(resolve));
  });
  const answer = async (): Promise<void> => {
    answers.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const answerAll = async (): Promise<void> => {
    while (answers.length > 0) await answer();
  };
  return { reporter, sent, answer, answerAll };
}

describe('AcknowledgedRangesReporter', () => {
  it('names the round and the attempt in which the target acknowledged them', () => {
    const sent: EndpointReport[] = [];
    const reporter = new AcknowledgedRangesReporter(OF_ATTEMPT, async (report) => sent.push(report));
    reporter.add(A, [blocks(0)]);
    expect(sent).toEqual([{ kind: 'ranges-acknowledged', ...OF_ATTEMPT, diskId: 'a', ranges: [blocks(0)] }]);
  });

  it('reports at once, and gathers while that report is under way', async () => {
    const { reporter, sent, answer } = reporting();
    reporter.add(A, [blocks(0)]);
    reporter.add(A, [blocks(2)]);
    reporter.add(A, [blocks(1)]);
    expect(sent).toEqual([{ diskId: 'a', ranges: [blocks(0)] }]);
    await answer();
    expect(sent.slice(1)).toEqual([{ diskId: 'a', ranges: [blocks(1, 2)] }]);
    await answer();
    expect(sent).toHaveLength(2);
  });

  it('keeps disks apart, and is settled when all of it has been answered', async () => {
    const { reporter, sent, answer } = reporting();
    reporter.add(A, [blocks(0)]);
    reporter.add(A, [blocks(5)]);
    reporter.add(B, [blocks(0)]);
    let isSettled = false;
    void reporter.settled().then(() => (isSettled = true));
    for (const reports of [1, 2, 3]) {
      expect([sent.length, isSettled]).toEqual([reports, false]);
      await answer();
    }
    expect(isSettled).toBe(true);
    expect(sent).toEqual([
      { diskId: 'a', ranges: [blocks(0)] },
      { diskId: 'a', ranges: [blocks(5)] },
      { diskId: 'b', ranges: [blocks(0)] },
    ]);
  });

  it('is settled when there was nothing to report', async () => {
    const { reporter, sent } = reporting();
    reporter.add(A, []);
    await reporter.settled();
    expect(sent).toEqual([]);
  });

  it('splits what exceeds one report, and has never more than one of them under way', async () => {
    const { reporter, sent, answer } = reporting();
    reporter.add(A, [blocks(0)]);
    for (let index = 1; index <= 45_000; index += 1) reporter.add(A, [blocks(index * 2)]);
    for (const reports of [1, 2, 3, 4]) {
      expect(sent).toHaveLength(reports);
      await answer();
    }
    expect(sent.map(({ ranges }) => ranges.length)).toEqual([1, 20_000, 20_000, 5_000]);
  });

  it('reports every block that was added since it was last reported, and no other, whenever answers come', async () => {
    const added = fc.record({ first: fc.nat(BLOCKS - 1), count: fc.integer({ min: 1, max: 50 }), answers: fc.nat(2) });
    await fc.assert(
      fc.asyncProperty(fc.array(added, { maxLength: 30 }), async (list) => {
        const { reporter, sent, answer, answerAll } = reporting();
        const wanted = new Set<number>();
        for (const { first, count, answers } of list) {
          reporter.add(A, [blocks(first, count)]);
          for (let index = first; index < Math.min(first + count, BLOCKS); index += 1) wanted.add(index);
          for (let step = 0; step < answers; step += 1) await answer();
        }
        await answerAll();
        const told = new Set<number>();
        for (const { offsetBytes, lengthBytes } of sent.flatMap(({ ranges }) => ranges)) {
          const first = offsetBytes / DIGEST_BLOCK_BYTES;
          const count = Math.ceil(lengthBytes / DIGEST_BLOCK_BYTES);
          expect(blocks(first, count)).toEqual({ offsetBytes, lengthBytes });
          for (let index = first; index < first + count; index += 1) told.add(index);
        }
        expect(told).toEqual(wanted);
      }),
    );
  });

  it('takes a bit for each block while there is no server, however scattered they are', async () => {
    const gibibytes = 256;
    const diskBytes = gibibytes * 2 ** 30;
    const { reporter, sent } = reporting();
    const disk = { diskId: 'large', diskBytes };
    reporter.add(disk, [blocks(0)]);
    const before = keptBytes();
    for (let index = 2; index * DIGEST_BLOCK_BYTES < diskBytes; index += 2)
      reporter.add(disk, [{ offsetBytes: index * DIGEST_BLOCK_BYTES, lengthBytes: DIGEST_BLOCK_BYTES }]);
    const grown = keptBytes() - before;
    expect(sent).toHaveLength(1);
    // As objects they would be 150 MiB and more.
    expect(grown).toBeLessThan(32 * 2 ** 20);
  });

  it('goes on after a report that could not be answered', async () => {
    let attempts = 0;
    const reporter = new AcknowledgedRangesReporter(OF_ATTEMPT, async () => {
      attempts += 1;
      throw new Error('the link is closed');
    });
    reporter.add(A, [blocks(0)]);
    await reporter.settled();
    reporter.add(A, [blocks(1)]);
    await reporter.settled();
    expect(attempts).toBe(2);
  });
});
