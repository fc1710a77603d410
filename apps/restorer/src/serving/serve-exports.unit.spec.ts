import { beforeEach, describe, expect, it } from 'vitest';
import { ASSIGNMENT_ID, DISKS, FakeTarget, TASK_ID } from './restorer-ports.fake.js';
import { serveExports } from './serve-exports.js';

const ASSIGNMENT = { kind: 'serve-exports', assignmentId: ASSIGNMENT_ID, taskId: TASK_ID, disks: DISKS } as const;

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
    ...{ kind: 'exports-failed', taskId: TASK_ID, assignmentId: ASSIGNMENT_ID },
    code: 'EXPORT_FAILED',
    detail: expect.stringContaining(detail),
  });

  it('serves every disk, reports where, and closes all when the work is over', async () => {
    const serving = serve();
    await expect.poll(() => target.reports.length).toBe(1);
    expect(target.reports[0]).toMatchObject({
      kind: 'exports-opened',
      exports: DISKS.map(({ diskId }, index) => ({ diskId, export: { host: '127.0.0.1', port: 20_000 + index } })),
    });
    expect([...target.served.keys()]).toEqual(['/a', '/b', '/c']);
    expect(over).toBe(false);
    abort.abort();
    await serving;
    expect(target.served.size).toBe(0);
    expect(target.reports).toHaveLength(1);
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
});
