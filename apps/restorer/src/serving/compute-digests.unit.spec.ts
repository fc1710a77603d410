import { EndpointFailure } from '#libs/block-transfer';
import type { DigestAlgorithm } from '#libs/contracts';
import { beforeEach, describe, expect, it } from 'vitest';
import { computeDigests } from './compute-digests.js';
import { ASSIGNMENT_ID, DISKS, FakeTarget, TASK_ID } from './restorer-ports.fake.js';

const OF_TASK = { taskId: TASK_ID, assignmentId: ASSIGNMENT_ID };
const BEGUN = { kind: 'digests-begun', ...OF_TASK };

describe('computeDigests', () => {
  let target: FakeTarget;
  let abort: AbortController;
  beforeEach(() => {
    target = new FakeTarget();
    abort = new AbortController();
  });
  const compute = (digestAlgorithm: DigestAlgorithm = 'blake3'): Promise<void> =>
    computeDigests(
      target.ports,
      { kind: 'compute-digests', ...OF_TASK, digestAlgorithm, disks: [...DISKS] },
      abort.signal,
    );

  it('digests every disk, two at a time, and reports them in the order of the assignment', async () => {
    target.digest = () => new Promise((resolve) => setImmediate(resolve));
    await compute();
    expect(target.mostAtOnce).toBe(2);
    expect(target.reports).toMatchObject([
      BEGUN,
      {
        ...{ kind: 'digests-computed', ...OF_TASK },
        disks: DISKS.map(({ diskId }) => ({ diskId, diskBytes: 65_536, digestAlgorithm: 'blake3' })),
      },
    ]);
    const [, report] = target.reports;
    const roots = report?.kind === 'digests-computed' ? report.disks.map((disk) => disk.rootDigest) : [];
    expect(new Set(roots).size).toBe(3);
  });

  it('digests in the way that it is told', async () => {
    await compute('sha256');
    expect(target.reports).toMatchObject([BEGUN, { disks: DISKS.map(() => ({ digestAlgorithm: 'sha256' })) }]);
  });

  it('keeps the group digests of each disk before it reports', async () => {
    let kept: number | null = null;
    target.answer = async () => {
      if (target.reports.at(-1)?.kind === 'digests-computed') kept = target.groupDigests.size;
      return 'acknowledged';
    };
    await compute();
    expect(kept).toBe(3);
    const all = [...target.groupDigests.values()].map((digests) => Buffer.from(digests).toString('hex'));
    expect(new Set(all).size).toBe(3);
    for (const digests of all) expect(digests).toHaveLength(64);
  });

  it('tells its progress at the beginning and at the end', async () => {
    await compute();
    const told = target.progress.map(({ activity, disks }) => [activity, ...disks.map((disk) => disk.processedBytes)]);
    expect(told).toEqual([
      ['digesting', 0, 0, 0],
      ['digesting', 65_536, 65_536, 65_536],
    ]);
  });

  it('ends the other disks, and reports, when one cannot be read', async () => {
    target.digest = (path, signal) =>
      path === '/b'
        ? Promise.reject(new EndpointFailure('TARGET_DISK_MISSING', 'gone'))
        : new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => {
              reject(signal.reason as Error);
            });
          });
    await compute();
    expect(target.digesting.size).toBe(0);
    expect(target.reports).toEqual([
      BEGUN,
      { kind: 'digests-failed', ...OF_TASK, code: 'TARGET_DISK_MISSING', detail: 'gone' },
    ]);
  });

  it.each([
    ['SOURCE_DISK_CHANGED', 'TARGET_DISK_MISSING'],
    ['SOURCE_READ_FAILED', 'TARGET_WRITE_FAILED'],
  ] as const)('tells what is %s at a source as what it is here, %s', async (there, here) => {
    target.digest = () => Promise.reject(new EndpointFailure(there, 'short'));
    await compute();
    expect(target.reports.at(-1)).toEqual({ kind: 'digests-failed', ...OF_TASK, code: here, detail: 'short' });
  });

  it('says that it begins before it reads, each time, without waiting for an answer', async () => {
    target.answer = () => new Promise(() => undefined);
    const readsAfter: unknown[] = [];
    target.digest = async () => {
      readsAfter.push(target.reports.at(-1)?.kind);
      abort.abort();
    };
    await compute();
    abort = new AbortController();
    await compute();
    expect(new Set(readsAfter)).toEqual(new Set(['digests-begun']));
    expect(target.reports).toEqual([BEGUN, BEGUN]);
  });

  it('reads nothing before the servers of an earlier process are gone', async () => {
    target.leftovers.add('/b');
    await compute();
    expect(target.reports.map(({ kind }) => kind)).toEqual(['digests-begun', 'digests-computed']);
  });

  it('reads nothing at all when one of them does not end', async () => {
    target.leftoverFault = new EndpointFailure('EXPORT_FAILED', 'process 7 does not end');
    await compute();
    expect(target.reports).toEqual([
      { kind: 'digests-failed', ...OF_TASK, code: 'EXPORT_FAILED', detail: 'process 7 does not end' },
    ]);
    expect(target.progress).toEqual([]);
  });

  it('says nothing of its end when it is given up', async () => {
    target.digest = async (_path, signal) => {
      abort.abort();
      signal?.throwIfAborted();
    };
    await compute();
    expect(target.reports).toEqual([BEGUN]);
  });
});
