import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ByteRange, transferCalls } from '#libs/contracts';
import { ROUND_1, ROUND_2, TASK } from '../replication/replication.examples.js';
import { joinAcknowledged } from './join-acknowledged.js';

const KIB = 1024;
const range = (offsetKib: number, lengthKib: number): ByteRange => ({
  offsetBytes: offsetKib * KIB,
  lengthBytes: lengthKib * KIB,
});
const acknowledged = (diskId: string, ranges: readonly ByteRange[], roundId: string = ROUND_1) => ({
  taskId: TASK,
  roundId,
  diskId,
  ranges,
});

describe('what a target holds by its acknowledgements', () => {
  it('is nothing before the first', () => {
    expect(joinAcknowledged([], null)).toEqual([]);
  });

  it('is joined for each disk, and counts a byte that was sent twice once', () => {
    const history = [
      acknowledged('disk-a', [range(64, 64), range(0, 64)]),
      acknowledged('disk-b', [range(0, 4)]),
      acknowledged('disk-a', [range(96, 64), range(1024, 64)]),
    ];
    expect(joinAcknowledged(history, null)).toEqual([
      { diskId: 'disk-a', acknowledgedBytes: 224 * KIB, ranges: [range(0, 160), range(1024, 64)] },
      { diskId: 'disk-b', acknowledgedBytes: 4 * KIB, ranges: [range(0, 4)] },
    ]);
  });

  it('is of one round, or of all', () => {
    const history = [
      acknowledged('disk-a', [range(0, 64)]),
      acknowledged('disk-a', [range(64, 64)], ROUND_2),
      acknowledged('disk-b', [range(0, 64)], ROUND_2),
    ];
    const [first, second, all] = [ROUND_1, ROUND_2, null].map((roundId) =>
      joinAcknowledged(history, roundId).map(({ diskId, ranges }) => [diskId, ranges]),
    );
    expect(first).toEqual([['disk-a', [range(0, 64)]]]);
    expect(second).toEqual([
      ['disk-a', [range(64, 64)]],
      ['disk-b', [range(0, 64)]],
    ]);
    expect(all).toEqual([
      ['disk-a', [range(0, 128)]],
      ['disk-b', [range(0, 64)]],
    ]);
  });

  it('says how many ranges it has no room for, and counts their bytes', () => {
    const scattered = Array.from({ length: 20_000 }, (_, index) => range(index * 128, 64));
    const answer = joinAcknowledged([acknowledged('disk-a', scattered), acknowledged('disk-b', [range(0, 4)])], null);
    const [first, second] = answer;
    expect(first).toMatchObject({ acknowledgedBytes: 20_000 * 64 * KIB, rangesLeftOut: 14_000 });
    expect(first?.ranges).toEqual(scattered.slice(0, 6_000));
    expect(second).toEqual({ diskId: 'disk-b', acknowledgedBytes: 4 * KIB, ranges: [range(0, 4)] });
    expect(JSON.stringify(transferCalls.readAcknowledgedRanges.reply.parse({ disks: answer })).length).toBeLessThan(
      1e6,
    );
  });

  it('is the same whether it is joined on the way or in the end', () => {
    const anyRange = fc
      .tuple(fc.nat(2_000_000), fc.integer({ min: 1, max: 4 }))
      .map(([offset, length]) => range(offset, length));
    const anyReport = fc.array(anyRange, { maxLength: 20 });
    fc.assert(
      fc.property(fc.array(anyReport, { minLength: 1, maxLength: 5 }), (reports) => {
        // Enough repetitions to be joined on the way.
        const long = Array.from({ length: 1_200 }, () => reports.flat().slice(0, 100));
        const [onTheWay, inTheEnd] = [[...long, ...reports], reports].map((each) =>
          joinAcknowledged(
            each.map((ranges) => acknowledged('disk-a', ranges)),
            null,
          ),
        );
        expect(onTheWay).toEqual(inTheEnd);
      }),
      { numRuns: 20 },
    );
  });
});
