import type { EndpointReport } from '#libs/contracts';
import { describe, expect, it } from 'vitest';
import { AcknowledgedRangesReporter } from './acknowledged-ranges.reporter.js';

const OF_ATTEMPT = { taskId: 'task', assignmentId: 'attempt', roundId: 'round' };
const range = (offsetBytes: number, lengthBytes = 1): { offsetBytes: number; lengthBytes: number } => ({
  offsetBytes,
  lengthBytes,
});

function reporting(): {
  reporter: AcknowledgedRangesReporter;
  sent: { diskId: string; ranges: readonly unknown[] }[];
  answer: () => Promise<void>;
} {
  const sent: { diskId: string; ranges: readonly unknown[] }[] = [];
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
  return { reporter, sent, answer };
}

describe('AcknowledgedRangesReporter', () => {
  it('names the round and the attempt in which the target acknowledged them', () => {
    const sent: EndpointReport[] = [];
    const reporter = new AcknowledgedRangesReporter(OF_ATTEMPT, async (report) => sent.push(report));
    reporter.add('a', [range(0)]);
    expect(sent).toEqual([{ kind: 'ranges-acknowledged', ...OF_ATTEMPT, diskId: 'a', ranges: [range(0)] }]);
  });

  it('reports at once, and gathers while that report is under way', async () => {
    const { reporter, sent, answer } = reporting();
    reporter.add('a', [range(0)]);
    reporter.add('a', [range(1)]);
    reporter.add('a', [range(2)]);
    expect(sent).toEqual([{ diskId: 'a', ranges: [range(0)] }]);
    await answer();
    expect(sent.slice(1)).toEqual([{ diskId: 'a', ranges: [range(1, 2)] }]);
    await answer();
    expect(sent).toHaveLength(2);
  });

  it('keeps disks apart, and sends all that is left at the end', () => {
    const { reporter, sent } = reporting();
    reporter.add('a', [range(0)]);
    reporter.add('a', [range(5)]);
    reporter.add('b', [range(0)]);
    reporter.flush();
    expect(sent).toEqual([
      { diskId: 'a', ranges: [range(0)] },
      { diskId: 'a', ranges: [range(5)] },
      { diskId: 'b', ranges: [range(0)] },
    ]);
  });

  it('splits what exceeds one report, without losing a range', () => {
    const { reporter, sent } = reporting();
    reporter.add('a', [range(0)]);
    for (let index = 1; index <= 45_000; index += 1) reporter.add('a', [range(index * 2)]);
    reporter.flush();
    expect(sent.map(({ ranges }) => ranges.length)).toEqual([1, 20_000, 20_000, 5_000]);
  });

  it('holds few ranges however often the same neighbourhood is acknowledged', () => {
    const { reporter, sent } = reporting();
    reporter.add('a', [range(0)]);
    for (let index = 1; index <= 100_000; index += 1) reporter.add('a', [range(index)]);
    reporter.flush();
    expect(sent.slice(1)).toEqual([{ diskId: 'a', ranges: [range(1, 100_000)] }]);
  });

  it('goes on after a report that could not be answered', async () => {
    let attempts = 0;
    const reporter = new AcknowledgedRangesReporter(OF_ATTEMPT, async () => {
      attempts += 1;
      throw new Error('the link is closed');
    });
    reporter.add('a', [range(0)]);
    await new Promise((resolve) => setImmediate(resolve));
    reporter.add('a', [range(1)]);
    expect(attempts).toBe(2);
  });
});
