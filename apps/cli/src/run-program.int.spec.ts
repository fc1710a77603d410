import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  SITE_ID,
  SOURCE_ID,
  TASK_ID,
  exampleAcknowledged,
  exampleDocument,
  exampleEvent,
  exampleLedger,
  exampleLinkLost,
  exampleMachine,
  exampleProgress,
  exampleReplication,
  exampleTask,
} from './gateway/example-documents.js';
import { runProgram } from './run-program.js';
import type { Output } from './terminal/output.js';
import { plainPaint } from './terminal/paint.js';

type Asked = { readonly method: string; readonly path: string; readonly key: string; readonly body: unknown };
type Answer = {
  readonly status?: number;
  readonly body?: unknown;
  readonly stream?: readonly string[];
  readonly breaksOff?: boolean;
};

const KEY = 'a-key';
const PROBLEM = {
  type: 'urn:landfall:problem:CUTOVER.NO_FULL_SYNC',
  title: 'Cutover: no full sync',
  status: 409,
  detail: 'No full synchronization has completed.',
  instance: '/x',
  code: 'CUTOVER.NO_FULL_SYNC',
  remedy: 'Wait for it.',
};

describe('landfall, against a gateway', () => {
  let folder: string;
  let server: Server;
  let url: string;
  let asked: Asked[];
  let answers: Map<string, Answer[]>;

  /** The last answer to a route is given again and again. */
  const answer = (route: string, ...given: Answer[]) => answers.set(`/api/v1${route}`, given);

  beforeEach(async () => {
    asked = [];
    answers = new Map();
    folder = await mkdtemp(join(tmpdir(), 'landfall-cli-'));
    await writeFile(join(folder, 'key'), `${KEY}\n`);
    server = createServer((request, response) => void answerRequest(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });

  async function answerRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    let text = '';
    for await (const piece of request) text += String(piece);
    asked.push({ method, path, key: headers.authorization ?? '', body: text === '' ? undefined : JSON.parse(text) });
    const queue = answers.get(path) ?? [{ status: 404, body: { error: 'no such route in this test' } }];
    const { status = 200, body, stream, breaksOff } = (queue.length > 1 ? queue.shift() : queue[0])!;
    if (stream !== undefined) {
      response.writeHead(status, { 'content-type': 'text/event-stream' });
      for (const piece of stream) await new Promise((resolve) => response.write(piece, resolve));
      if (breaksOff === true) response.destroy();
      else response.end();
      return;
    }
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? '' : JSON.stringify(body));
  }

  const run = async (
    args: readonly string[],
    options: { readonly environment?: NodeJS.ProcessEnv; readonly signal?: AbortSignal } = {},
  ) => {
    let [out, errors] = ['', ''];
    const to = (take: (text: string) => void): Output => ({
      isTerminal: false,
      columns: 100,
      paint: plainPaint,
      write: take,
    });
    const exitCode = await runProgram(args, {
      output: to((text) => (out += text)),
      errors: to((text) => (errors += text)),
      environment: options.environment ?? { LANDFALL_URL: url, LANDFALL_KEY_FILE: join(folder, 'key') },
      folder,
      signal: options.signal ?? new AbortController().signal,
    });
    return { exitCode, out, errors };
  };

  it('asks with the key, and shows a list for people or as JSON', async () => {
    answer('/source-machines', { body: { sourceMachines: [exampleMachine()] } });
    const forPeople = await run(['source-machines']);
    expect(forPeople).toMatchObject({ exitCode: 0, errors: '' });
    expect(forPeople.out).toContain('db-01  22222222-2222-4222-8222-222222222222  connected');
    expect(asked[0]).toEqual({ method: 'GET', path: '/api/v1/source-machines', key: `Bearer ${KEY}`, body: undefined });

    const forScripts = await run(['--json', 'source-machines']);
    expect(JSON.parse(forScripts.out)).toEqual({ sourceMachines: [exampleMachine()] });
    expect((await run(['source-machines', '--json'])).out).toBe(forScripts.out);
  });

  it('creates what the options say', async () => {
    const taskOptions = ['--name', 'n', '--source', SOURCE_ID, '--site', SITE_ID, '--memory', '2GiB', '--disk', 'sda'];
    answer('/migration-tasks', { status: 201, body: exampleTask() });
    expect((await run(['task', 'create', ...taskOptions])).exitCode).toBe(0);
    expect(asked.at(-1)).toMatchObject({
      method: 'POST',
      body: {
        name: 'n',
        sourceMachineId: SOURCE_ID,
        siteId: SITE_ID,
        diskIds: ['sda'],
        target: { memoryBytes: 2 ** 31 },
      },
    });

    const site = {
      siteId: SITE_ID,
      name: 's',
      driver: 'local-process',
      version: '1',
      registeredAt: '2026-03-01T12:00:00.000Z',
    };
    answer('/hci-sites', { status: 201, body: site });
    expect((await run(['sites', 'add', '--name', 's'])).exitCode).toBe(0);
    expect(asked.at(-1)).toMatchObject({ body: { name: 's', driver: 'local-process', version: '1' } });

    answer('/enrolment-tokens', {
      status: 201,
      body: { token: 'tok', expiresAt: '2026-03-01T12:00:00.000Z', serverUrl: 'http://s' },
    });
    expect((await run(['enrol-token', '--name', 'db-01'])).out).toBe(
      'Token    tok\nExpires  2026-03-01 12:00:00 UTC\nServer   http://s\n',
    );
    expect(asked.at(-1)).toMatchObject({ path: '/api/v1/enrolment-tokens', body: { name: 'db-01' } });
  });

  it('steers a task: round, schedule, cutover, retry', async () => {
    const task = `/migration-tasks/${TASK_ID}`;
    answer(`${task}/rounds`, { status: 202, body: { roundId: null, skipped: 'a round is running' } });
    answer(`${task}/schedule`, { body: exampleTask() });
    answer(`${task}/cutover`, { status: 202, body: exampleDocument().cutover });
    answer(`${task}/cutover/source-services-stopped`, { status: 202, body: exampleDocument().cutover });
    answer(`${task}/retry`, { status: 202, body: exampleTask() });
    answer(task, { body: exampleDocument() });

    expect((await run(['sync', TASK_ID])).out).toBe('No round was started: a round is running.\n');
    await run(['schedule', TASK_ID, '--every', '5m']);
    await run(['schedule', TASK_ID, '--off']);
    await run(['cutover', TASK_ID]);
    await run(['confirm-stopped', TASK_ID]);
    expect((await run(['retry', TASK_ID])).out).toContain('Task       move db-01');
    const root = `/api/v1${task}`;
    expect(asked.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['POST', `${root}/rounds`, undefined],
      ['PUT', `${root}/schedule`, { kind: 'interval', everySeconds: 300 }],
      ['DELETE', `${root}/schedule`, undefined],
      ['POST', `${root}/cutover`, undefined],
      ['POST', `${root}/cutover/source-services-stopped`, { confirmed: true }],
      ['POST', `${root}/retry`, undefined],
      ['GET', root, undefined],
    ]);
  });

  it('sets how a new task deals with what goes wrong', async () => {
    const needed = ['task', 'create', '--name', 'n', '--source', SOURCE_ID, '--site', SITE_ID];
    answer('/migration-tasks', { status: 201, body: exampleTask() });
    const settings = [
      ...['--resume-window', '20m', '--after-failure', 'resend-everything', '--retry-limit', '0'],
      ...['--digests', 'sha256', '--retry-delay', '90', '--cancel-grace', '0', '--failure-grace', 'never'],
    ];
    expect((await run([...needed, ...settings])).exitCode).toBe(0);
    expect(asked.at(-1)?.body).toEqual({
      name: 'n',
      sourceMachineId: SOURCE_ID,
      siteId: SITE_ID,
      settings: {
        resumeWindowSeconds: 1200,
        afterFailure: 'resend-everything',
        retryLimit: 0,
        retryDelaySeconds: 90,
        digestAlgorithm: 'sha256',
        cancelGraceSeconds: 0,
        failureGraceSeconds: null,
      },
    });
    await run([...needed, '--failure-grace', '2d']);
    expect(asked.at(-1)?.body).toMatchObject({ settings: { failureGraceSeconds: 172_800 } });
    for (const wrong of [
      ['--resume-window', 'long'],
      ['--resume-window', 'never'],
      ['--after-failure', 'hope'],
      ['--retry-limit', '-1'],
      ['--failure-grace', 'soon'],
    ]) {
      expect([wrong, (await run([...needed, ...wrong])).exitCode]).toEqual([wrong, 2]);
    }
    expect(asked).toHaveLength(2);
  });

  it('pauses, resumes, cancels and keeps a task, and shows it as it is then', async () => {
    const task = `/migration-tasks/${TASK_ID}`;
    const documentWith = (changes: Parameters<typeof exampleTask>[0]) =>
      exampleDocument({ task: exampleTask(changes) });
    const cancelled = documentWith({ status: 'cancelling', cleanUpAt: '2026-03-01T13:00:00.000Z' });
    answer(`${task}/pause`, { status: 202, body: documentWith({ status: 'paused' }) });
    answer(`${task}/resume`, { status: 202, body: exampleDocument() });
    answer(`${task}/cancel`, { status: 202, body: cancelled });
    answer(`${task}/withdraw-cancellation`, { status: 202, body: exampleDocument() });

    expect((await run(['pause', TASK_ID])).out).toContain(`! paused; let it go on with: landfall resume ${TASK_ID}\n`);
    expect((await run(['resume', TASK_ID])).out).toContain('Status     running');
    const { out } = await run(['cancel', TASK_ID]);
    expect(out).toContain('Clean-up   at 2026-03-01 13:00:00 UTC\n');
    expect(out).toContain(`(time is up); keep it with: landfall keep ${TASK_ID}\n`);
    expect(JSON.parse((await run(['cancel', TASK_ID, '--grace', '10m', '--json'])).out)).toEqual(cancelled);
    await run(['cancel', TASK_ID, '--grace', '0']);
    expect((await run(['cancel', TASK_ID, '--grace', 'soon'])).exitCode).toBe(2);
    expect((await run(['keep', TASK_ID])).exitCode).toBe(0);
    const root = `/api/v1${task}`;
    expect(asked.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['POST', `${root}/pause`, undefined],
      ['POST', `${root}/resume`, undefined],
      ['POST', `${root}/cancel`, undefined],
      ['POST', `${root}/cancel`, { graceSeconds: 600 }],
      ['POST', `${root}/cancel`, { graceSeconds: 0 }],
      ['POST', `${root}/withdraw-cancellation`, undefined],
    ]);
  });

  it('sends everything again, and catches up, only as it is told', async () => {
    const task = `/migration-tasks/${TASK_ID}`;
    answer(`${task}/rounds`, { status: 202, body: { roundId: TASK_ID, skipped: null } });
    answer(`${task}/schedule`, { body: exampleTask() });
    expect((await run(['sync', TASK_ID, '--resend'])).out).toContain(`Round ${TASK_ID} has started.`);
    const { out } = await run(['schedule', TASK_ID, '--every', '5m', '--catch-up', 'skip']);
    expect(out).toBe('Synchronizations start by themselves: every 300 s, missed ones skipped.\n');
    expect(asked.map(({ body }) => body)).toEqual([
      { resend: true },
      { kind: 'interval', everySeconds: 300, catchUp: 'skip' },
    ]);
    expect((await run(['schedule', TASK_ID, '--every', '5m', '--catch-up', 'all'])).exitCode).toBe(2);
    expect((await run(['schedule', TASK_ID, '--off', '--catch-up', 'skip'])).exitCode).toBe(2);
  });

  it('lists what was created for a task, and what the target holds', async () => {
    const task = `/migration-tasks/${TASK_ID}`;
    answer(`${task}/ledger`, { body: { entries: exampleLedger() } });
    answer(`${task}/acknowledged-ranges`, { body: { disks: exampleAcknowledged(30) } });
    answer(`${task}/acknowledged-ranges?roundId=${SOURCE_ID}`, { body: { disks: [] } });
    expect((await run(['ledger', TASK_ID])).out).toMatch(/target VM .*\n(.*\n)+1 of 2 left\.\n$/);
    expect(JSON.parse((await run(['ledger', TASK_ID, '--json'])).out)).toEqual({ entries: exampleLedger() });
    expect((await run(['acknowledged', TASK_ID])).out.trimEnd().split('\n')).toHaveLength(23);
    expect((await run(['acknowledged', TASK_ID, '--all'])).out.trimEnd().split('\n')).toHaveLength(32);
    expect((await run(['acknowledged', TASK_ID, '--round', SOURCE_ID])).out).toBe(
      'Nothing is known to be acknowledged.\n',
    );
  });

  it('shows a refusal with code, text and remedy, and ends with 3', async () => {
    answer(`/migration-tasks/${TASK_ID}/cutover`, { status: 409, body: PROBLEM });
    expect(await run(['cutover', TASK_ID])).toEqual({
      exitCode: 3,
      out: '',
      errors: 'CUTOVER.NO_FULL_SYNC  No full synchronization has completed.\nRemedy: Wait for it.\n',
    });
    expect(JSON.parse((await run(['cutover', TASK_ID, '--json'])).errors)).toEqual(PROBLEM);
  });

  it('tells apart an unknown key, an absent server, an answer that was not agreed and a wrong command line', async () => {
    answer('/hci-sites', { status: 401, body: { ...PROBLEM, status: 401, code: 'AUTHENTICATION.REQUIRED' } });
    answer('/migration-tasks', { body: { tasks: [{ taskId: 'x' }], next: null } });
    expect((await run(['sites'])).exitCode).toBe(5);
    expect((await run(['tasks'])).exitCode).toBe(1);
    expect((await run(['source-machines'])).exitCode).toBe(1);
    expect((await run(['frobnicate'])).exitCode).toBe(2);
    expect((await run(['task'])).exitCode).toBe(2);
    expect((await run(['schedule', TASK_ID])).exitCode).toBe(2);
    expect((await run(['schedule', TASK_ID, '--every', 'often'])).exitCode).toBe(2);
    expect((await run(['schedule', TASK_ID, '--every', '5m', '--off'])).exitCode).toBe(2);
    expect((await run(['--help'])).exitCode).toBe(0);
    await new Promise((resolve) => server.close(resolve));
    expect((await run(['sites'])).exitCode).toBe(4);
  });

  it('reads events page by page', async () => {
    const events = `/migration-tasks/${TASK_ID}/events`;
    answer(`${events}?limit=500`, { body: { events: [exampleEvent({ position: '7' })], next: '7' } });
    answer(`${events}?limit=500&after=7`, { body: { events: [exampleEvent({ position: '9' })], next: null } });
    const { out } = await run(['events', TASK_ID, '--json']);
    const lines = out.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { position: string }).position)).toEqual(['7', '9']);
  });

  it('follows events until it is interrupted', async () => {
    const events = `/migration-tasks/${TASK_ID}/events`;
    const interrupted = new AbortController();
    answer(`${events}?limit=500`, { body: { events: [exampleEvent({ position: '7' })], next: null } });
    answer(`${events}?limit=500&after=7`, { body: { events: [exampleEvent({ position: '9' })], next: null } });
    answer(`${events}?limit=500&after=9`, { body: { events: [], next: null } });
    const following = run(['events', TASK_ID, '--follow', '--json'], { signal: interrupted.signal });
    await expect.poll(() => asked.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(3);
    interrupted.abort();
    const { exitCode, out } = await following;
    expect(exitCode).toBe(130);
    expect(out.trimEnd().split('\n')).toHaveLength(2);
  });

  it('watches a task until it is completed, over a stream that breaks off once', async () => {
    const completed = exampleTask({ status: 'completed', phase: null, step: 'Completed' });
    const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    const running = exampleDocument({ replication: exampleReplication({ activity: 'transferring' }) });
    answer(
      `/migration-tasks/${TASK_ID}/progress`,
      { stream: [event('snapshot', running), event('progress', exampleProgress(0, 500))], breaksOff: true },
      { stream: [event('snapshot', running), event('task', exampleDocument({ task: completed }))] },
    );
    const { exitCode, out } = await run(['watch', TASK_ID]);
    expect(exitCode).toBe(0);
    expect(out).toContain('Keeping the target in sync, ready for cutover  round 1 (full, itinerary) completed');
    expect(out).toContain('Status     completed');
    expect(asked).toHaveLength(2);
  });

  it('watches a lost link, a pause and a cancellation to their end, and ends with 7', async () => {
    const event = (data: unknown) => `event: task\ndata: ${JSON.stringify(data)}\n\n`;
    const taskIs = (status: 'paused' | 'cancelling' | 'cleaning-up' | 'cancelled') =>
      event(exampleDocument({ task: exampleTask({ status }) }));
    answer(`/migration-tasks/${TASK_ID}/progress`, {
      stream: [
        `event: snapshot\ndata: ${JSON.stringify(exampleLinkLost())}\n\n`,
        taskIs('paused'),
        taskIs('cancelling'),
        taskIs('cleaning-up'),
        taskIs('cancelled'),
      ],
    });
    const { exitCode, out } = await run(['watch', TASK_ID]);
    expect(exitCode).toBe(7);
    expect(out).toContain('round 1 (full, itinerary), attempt 2: link lost\n! link lost at 2026-03-01 12:02:11 UTC');
    expect(out).toContain('Status     cancelled');
    expect(asked).toHaveLength(1);
  });

  it('ends with 6 when the watched task halts', async () => {
    const halt = { code: 'TARGET_DISK_FULL', detail: 'no space left', remedy: 'Make room.' };
    const halted = exampleDocument({ task: exampleTask({ status: 'halted', halt }) });
    answer(`/migration-tasks/${TASK_ID}/progress`, {
      stream: [`event: snapshot\ndata: ${JSON.stringify(halted)}\n\n`],
    });
    const { exitCode, out } = await run(['watch', TASK_ID]);
    expect(exitCode).toBe(6);
    expect(out).toContain('Halted: TARGET_DISK_FULL');
  });

  describe('where the gateway is', () => {
    const standalone = () => ({
      gatewayUrl: url,
      linkUrl: 'x',
      apiKeyFile: join(folder, 'key'),
      eventStoreUrl: 'x',
      natsUrl: 'x',
      databaseUrl: 'x',
      logFolder: 'x',
    });

    it('is known from a standalone program that runs here', async () => {
      answer('/hci-sites', { body: { sites: [] } });
      expect(await run(['sites'], { environment: {} })).toMatchObject({ exitCode: 2, out: '' });
      await mkdir(join(folder, '.landfall'));
      await writeFile(join(folder, '.landfall/standalone.json'), JSON.stringify(standalone()));
      expect((await run(['sites'], { environment: {} })).exitCode).toBe(0);
    });

    it('is said by options before the environment, and no key goes to another gateway', async () => {
      await mkdir(join(folder, '.landfall/standalone'), { recursive: true });
      await writeFile(join(folder, '.landfall/standalone/standalone.json'), JSON.stringify(standalone()));
      const other = await run(['sites', '--url', 'http://127.0.0.1:9'], { environment: {} });
      expect(other).toMatchObject({ exitCode: 2 });
      expect(other.errors).toContain('No key is known');
      answer('/hci-sites', { body: { sites: [] } });
      const options = ['--url', url, '--key-file', join(folder, 'key')];
      expect((await run([...options, 'sites'], { environment: { LANDFALL_URL: 'http://127.0.0.1:9' } })).exitCode).toBe(
        0,
      );
    });
  });
});
