import { EndpointFailure } from '#libs/block-transfer';
import { beforeEach, describe, expect, it } from 'vitest';
import { ASSIGNMENT_ID, DISKS, FakeTarget, ROUND_ID, TASK_ID } from './restorer-ports.fake.js';
import { serveExports } from './serve-exports.js';

const OF_ROUND = { taskId: TASK_ID, assignmentId: ASSIGNMENT_ID, roundId: ROUND_ID };
const ASSIGNMENT = { kind: 'serve-exports', ...OF_ROUND, attempt: 2 } as const;

describe('serveExports', () => {
  let target: FakeTarget;
  let abort: AbortController;
  let over: boolean;
  beforeEach(() => {
    target = new FakeTarget();
    abort = new AbortController();
    over = false;
  });
  const serve = (): Promise<void> =>
    serveExports(target.ports, { ...ASSIGNMENT, disks: [...DISKS] }, abort.signal).finally(() => (over = true));
  const failed = (detail: string): unknown => ({
    kind: 'exports-failed',
    ...OF_ROUND,
    code: 'EXPORT_FAILED',
    detail: expect.stringContaining(detail),
  });

  it('serves every disk, reports where, and closes all when the work is over', async () => {
    const serving = serve();
    await expect.poll(() => target.reports.length).toBe(1);
    expect(target.reports[0]).toEqual({
      kind: 'exports-opened',
      ...OF_ROUND,
      exports: DISKS.map(({ diskId }, index) => ({
        diskId,
        export: { host: '127.0.0.1', port: 20_000 + index, exportName: '' },
      })),
    });
    expect([...target.served.keys()]).toEqual(['/a', '/b', '/c']);
    expect(over).toBe(false);
    abort.abort();
    await serving;
    expect(target.served.size).toBe(0);
    expect(target.reports).toHaveLength(1);
  });

  it('serves an agent with a certificate in TLS, to it alone, by one key for the attempt that nobody is told', async () => {
    const serving = serveExports(
      { ...target.ports, listenHost: '192.0.2.1' },
      { ...ASSIGNMENT, disks: [...DISKS], clientCertificate: 'of the agent' },
      abort.signal,
    );
    await expect.poll(() => target.reports.length).toBe(1);
    expect(target.startedWith.map(({ tls }) => tls)).toEqual(
      DISKS.map(() => ({
        identity: { certificate: 'certificate 1', privateKey: 'key 1' },
        clientCertificate: 'of the agent',
      })),
    );
    expect(target.reports[0]).toMatchObject({
      exports: DISKS.map(() => ({ export: { host: '192.0.2.1', serverCertificate: 'certificate 1' } })),
    });
    expect(JSON.stringify(target.reports)).not.toContain('key 1');
    abort.abort();
    await serving;
    const next = serveExports(
      target.ports,
      { ...ASSIGNMENT, disks: [...DISKS], clientCertificate: 'of the agent' },
      AbortSignal.any([]),
    );
    await expect.poll(() => target.reports.length).toBe(2);
    expect(target.startedWith.at(-1)?.tls?.identity.certificate).toBe('certificate 2');
    for (const die of target.served.values()) die({ code: 0, signal: null, output: '' });
    await next;
  });

  it('does not serve other machines in the clear, unless it is allowed to', async () => {
    const ports = { ...target.ports, listenHost: '192.0.2.1' };
    const assignment = { ...ASSIGNMENT, disks: [...DISKS] };
    await serveExports(ports, assignment, abort.signal);
    expect(target.startedWith).toEqual([]);
    expect(target.reports).toMatchObject([{ kind: 'exports-failed', code: 'DATA_PATH_UNTRUSTED' }]);
    const serving = serveExports({ ...ports, allowCleartext: true }, assignment, abort.signal);
    await expect.poll(() => target.reports.length).toBe(2);
    expect(target.startedWith).toHaveLength(DISKS.length);
    abort.abort();
    await serving;
  });

  it('goes on serving while the server does not answer', async () => {
    target.answer = () => new Promise(() => undefined);
    const serving = serve();
    await expect.poll(() => target.reports.length).toBe(1);
    expect(target.served.size).toBe(3);
    abort.abort();
    await serving;
    expect(target.served.size).toBe(0);
  });

  it('closes all and reports when one server dies', async () => {
    const serving = serve();
    await expect.poll(() => target.reports.length).toBe(1);
    target.served.get('/b')?.({ code: null, signal: 'SIGKILL', output: 'last words' });
    await serving;
    expect(target.served.size).toBe(0);
    expect(target.reports[1]).toEqual(failed('disk b ended (SIGKILL): last words'));
  });

  describe('with a disk that is to be repaired', () => {
    const repair = (): Promise<void> => {
      const disks = DISKS.map((disk) => (disk.diskId === 'a' ? disk : { ...disk, differs: true as const }));
      return serveExports(target.ports, { ...ASSIGNMENT, disks, clientCertificate: 'of the agent' }, abort.signal);
    };
    beforeEach(() => {
      target.groupDigests.set('a', new Uint8Array(32));
      target.groupDigests.set('b', new Uint8Array(32));
    });

    it('serves its group digests to the same agent, too, as far as there are any, for reading alone', async () => {
      const serving = repair();
      await expect.poll(() => target.reports.length).toBe(1);
      expect([...target.served.keys()]).toEqual(['/a', '/b', '/groups/b', '/c']);
      const [plain, repaired, unknown] = target.reports[0]?.kind === 'exports-opened' ? target.reports[0].exports : [];
      expect(plain).not.toHaveProperty('groupDigests');
      expect(repaired).toMatchObject({ export: { port: 20_001 }, groupDigests: { port: 20_002 } });
      expect(unknown).not.toHaveProperty('groupDigests');
      const digestServer = target.startedWith.find(({ path }) => path === '/groups/b');
      expect(digestServer).toMatchObject({ readOnly: true, tls: { clientCertificate: 'of the agent' } });
      for (const { path, readOnly } of target.startedWith) if (path !== '/groups/b') expect(readOnly).toBeUndefined();
      abort.abort();
      await serving;
      expect(target.served.size).toBe(0);
    });

    it('ends the servers of them that an earlier process left', async () => {
      target.leftovers.add('/groups/b');
      const serving = repair();
      await expect.poll(() => target.reports.length).toBe(1);
      expect(target.reports[0]).toMatchObject({ kind: 'exports-opened' });
      abort.abort();
      await serving;
    });

    it('closes all and reports when their server dies', async () => {
      const serving = repair();
      await expect.poll(() => target.reports.length).toBe(1);
      target.served.get('/groups/b')?.({ code: 1, signal: null, output: '' });
      await serving;
      expect(target.served.size).toBe(0);
      expect(target.reports[1]).toEqual(failed('disk b ended (code 1)'));
    });
  });

  it('closes those that were open already when one cannot be opened', async () => {
    target.unservable = '/c';
    await serve();
    expect(target.served.size).toBe(0);
    expect(target.reports).toEqual([failed('/c cannot be served')]);
  });

  it('opens nothing and says nothing when it is aborted before', async () => {
    abort.abort();
    await serve();
    expect(target.reports).toEqual([]);
    expect(target.served.size).toBe(0);
  });

  it('serves nothing before the servers of an earlier process are gone', async () => {
    target.leftovers.add('/b');
    const serving = serve();
    await expect.poll(() => target.reports.length).toBe(1);
    expect(target.reports[0]).toMatchObject({ kind: 'exports-opened' });
    abort.abort();
    await serving;
  });

  it('serves nothing at all when one of them does not end', async () => {
    target.leftoverFault = new EndpointFailure('EXPORT_FAILED', 'process 7 does not end');
    await serve();
    expect(target.reports).toEqual([failed('process 7 does not end')]);
    expect(target.served.size).toBe(0);
  });

  describe('tells every five seconds what its servers have moved since they began', () => {
    const told = (): unknown =>
      target.progress.map(({ activity, disks }) => [
        activity,
        ...disks.map(({ processedBytes, sentBytes }) => [processedBytes, sentBytes]),
      ]);
    const moved = (...all: ([taken: number, written: number] | null)[]): void => {
      const bytes = all.map((one) => one && { takenBytes: one[0], writtenBytes: one[1] });
      target.moved.splice(0, all.length, ...bytes);
    };
    const untilTold = (frames: number): Promise<void> => expect.poll(() => target.progress.length).toBe(frames);

    it('by what they took in or wrote, whichever is more', async () => {
      moved([14_000, 6], [14_000, 6], [14_000, 6]);
      const serving = serve();
      await untilTold(1);
      moved([15_028, 1_006], [14_056, 6], [14_028, 4_102]);
      expect(target.passTime()).toEqual([5_000]);
      await untilTold(2);
      expect(told()).toEqual([
        ['serving', [0, 0], [0, 0], [0, 0]],
        ['serving', [1_028, 1_000], [56, 0], [4_096, 4_096]],
      ]);
      expect(target.progress[1]).toMatchObject({ taskId: TASK_ID, assignmentId: ASSIGNMENT_ID });
      abort.abort();
      await serving;
      expect(target.passTime()).toEqual([]);
      expect(target.progress).toHaveLength(2);
    });

    it('with what was last known of one that says nothing more', async () => {
      moved([100, 0], [100, 0], null);
      const serving = serve();
      await untilTold(1);
      moved([150, 0], [150, 0], null);
      target.passTime();
      await untilTold(2);
      moved(null, [160, 0], null);
      target.passTime();
      await untilTold(3);
      expect(target.progress.at(-1)?.disks.map((disk) => disk.processedBytes)).toEqual([50, 60, 0]);
      abort.abort();
      await serving;
    });
  });
});
