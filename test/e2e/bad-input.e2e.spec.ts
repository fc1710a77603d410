import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import request, { type Response } from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { ERROR_STATUS, type ErrorCode, concern, planningCalls } from '#libs/contracts';
import { recordedEvents } from './gateway-rest/recorded-events.js';
import { until } from './gateway-rest/until.js';
import { SourceMachine } from './migration/source-machine.js';
import { StandaloneServer } from './migration/standalone-server.js';
import { makeTestFolder, removeTestFolder } from './migration/test-folder.js';

/** Bad input against the real services: each is refused with its code, and nothing is created. */

type Method = 'get' | 'post' | 'put' | 'delete';

const FULL_ROUND_WITHIN_MS = 120_000;
/** Until the other services have followed a pause or a cancellation. */
const FOLLOWS_WITHIN_MS = 30_000;
const CLEANED_UP_WITHIN_MS = 60_000;
const taskPage = z.object({ tasks: z.array(z.unknown()) });
const NOBODY = '11111111-1111-4111-8111-111111111111';
const TASKS = '/api/v1/migration-tasks';
const UNKNOWN_TASK = `${TASKS}/${NOBODY}`;

let folder: string;
let server: StandaloneServer;
let key: string;
let siteId: string;

const ask = async (
  method: Method,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Response> => {
  const gateway = request(server.addresses.gatewayUrl);
  const asked = gateway[method](path).set({ Authorization: `Bearer ${key}`, ...headers });
  return body === undefined ? asked : asked.type('json').send(typeof body === 'string' ? body : JSON.stringify(body));
};

const events = () => recordedEvents(server.addresses.eventStoreUrl);

const expectRefusal = (response: Response, code: ErrorCode): void => {
  expect({ code: response.body.code, status: response.status }).toEqual({ code, status: ERROR_STATUS[code] });
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(response.body).toMatchObject({
    type: `urn:landfall:problem:${code}`,
    status: ERROR_STATUS[code],
    detail: expect.stringMatching(/\S/),
    remedy: expect.stringMatching(/\S/),
    correlationId: response.headers['x-correlation-id'],
  });
};

beforeAll(async () => {
  folder = await makeTestFolder();
  server = await StandaloneServer.start(folder);
  key = (await readFile(server.addresses.apiKeyFile, 'utf8')).trim();
  ({ siteId } = await server.operator.registerSite('rack-1'));
});

afterAll(async () => {
  await server.stop().finally(() => removeTestFolder(folder));
});

describe('before there is anything but a site', () => {
  const site = { name: 'rack-2', driver: 'local-process', version: '1.0' };
  const order = () => ({ name: 'a machine', sourceMachineId: NOBODY, siteId });

  it.each<[string, ErrorCode, () => Promise<Response>]>([
    ['no key', 'AUTHENTICATION.REQUIRED', () => ask('post', '/api/v1/hci-sites', site, { Authorization: '' })],
    ['an unknown path', 'REQUEST.NOT_FOUND', () => ask('post', '/api/v1/hci-site', site)],
    ['an unknown method', 'REQUEST.METHOD_NOT_ALLOWED', () => ask('delete', '/api/v1/hci-sites')],
    ['a body cut off', 'REQUEST.MALFORMED_JSON', () => ask('post', '/api/v1/hci-sites', '{"name":')],
    [
      'another media type',
      'REQUEST.UNSUPPORTED_MEDIA_TYPE',
      () => ask('post', '/api/v1/hci-sites', site, { 'Content-Encoding': 'gzip' }),
    ],
    [
      'an oversized body',
      'REQUEST.BODY_TOO_LARGE',
      () => ask('post', '/api/v1/hci-sites', { ...site, name: 'x'.repeat(300_000) }),
    ],
    ['a number for a name', 'REQUEST.INVALID', () => ask('post', '/api/v1/hci-sites', { ...site, name: 1 })],
    ['a NUL in a name', 'REQUEST.INVALID', () => ask('post', '/api/v1/hci-sites', { ...site, name: 'a\u0000' })],
    ['an unknown field', 'REQUEST.INVALID', () => ask('post', '/api/v1/hci-sites', { ...site, id: NOBODY })],
    [
      'a name that is taken',
      'PROVISIONING.SITE_NAME_TAKEN',
      () => ask('post', '/api/v1/hci-sites', { ...site, name: 'rack-1' }),
    ],
    ['an unknown site', 'PROVISIONING.SITE_NOT_FOUND', () => ask('get', `/api/v1/hci-sites/${NOBODY}`)],
    ['a site that is no id', 'REQUEST.INVALID', () => ask('get', '/api/v1/hci-sites/rack-1')],
    ['an unknown machine', 'TRANSFER.SOURCE_NOT_ENROLLED', () => ask('get', `/api/v1/source-machines/${NOBODY}`)],
    ['a token for the past', 'REQUEST.INVALID', () => ask('post', '/api/v1/enrolment-tokens', { validMinutes: -5 })],
    ['a source that is not enrolled', 'TRANSFER.SOURCE_NOT_ENROLLED', () => ask('post', TASKS, order())],
    ['its check', 'TRANSFER.SOURCE_NOT_ENROLLED', () => ask('post', `${TASKS}/check`, order())],
    ['a task without a site', 'REQUEST.INVALID', () => ask('post', TASKS, { ...order(), siteId: undefined })],
    [
      'a resume window of nothing',
      'REQUEST.INVALID',
      () => ask('post', TASKS, { ...order(), settings: { resumeWindowSeconds: 0 } }),
    ],
    [
      'a setting that is not there',
      'REQUEST.INVALID',
      () => ask('post', `${TASKS}/check`, { ...order(), settings: { resumeWindowMinutes: 15 } }),
    ],
    ['an unknown task', 'PLANNING.TASK_NOT_FOUND', () => ask('get', UNKNOWN_TASK)],
    ['its events', 'PLANNING.TASK_NOT_FOUND', () => ask('get', `${UNKNOWN_TASK}/events`)],
    ['its progress', 'PLANNING.TASK_NOT_FOUND', () => ask('get', `${UNKNOWN_TASK}/progress`)],
    ['its rounds', 'PLANNING.TASK_NOT_FOUND', () => ask('post', `${UNKNOWN_TASK}/rounds`, {})],
    ['its retry', 'PLANNING.TASK_NOT_FOUND', () => ask('post', `${UNKNOWN_TASK}/retry`)],
    ['its pause', 'PLANNING.TASK_NOT_FOUND', () => ask('post', `${UNKNOWN_TASK}/pause`)],
    ['the end of that', 'PLANNING.TASK_NOT_FOUND', () => ask('post', `${UNKNOWN_TASK}/resume`, {})],
    ['its cancellation', 'PLANNING.TASK_NOT_FOUND', () => ask('post', `${UNKNOWN_TASK}/cancel`, { graceSeconds: 5 })],
    [
      'a grace period in the past',
      'REQUEST.INVALID',
      () => ask('post', `${UNKNOWN_TASK}/cancel`, { graceSeconds: -1 }),
    ],
    ['its withdrawal', 'PLANNING.TASK_NOT_FOUND', () => ask('post', `${UNKNOWN_TASK}/withdraw-cancellation`)],
    ['its ledger', 'PLANNING.TASK_NOT_FOUND', () => ask('get', `${UNKNOWN_TASK}/ledger`)],
    ['its ranges', 'PLANNING.TASK_NOT_FOUND', () => ask('get', `${UNKNOWN_TASK}/acknowledged-ranges`)],
    [
      'ranges of a round that is no id',
      'REQUEST.INVALID',
      () => ask('get', `${UNKNOWN_TASK}/acknowledged-ranges?roundId=1`),
    ],
    [
      'its schedule',
      'PLANNING.TASK_NOT_FOUND',
      () => ask('put', `${UNKNOWN_TASK}/schedule`, { kind: 'interval', everySeconds: 5 }),
    ],
    ['no schedule for it', 'PLANNING.TASK_NOT_FOUND', () => ask('delete', `${UNKNOWN_TASK}/schedule`)],
    ['its cutover', 'PLANNING.TASK_NOT_FOUND', () => ask('post', `${UNKNOWN_TASK}/cutover`)],
    ['how far that is', 'PLANNING.TASK_NOT_FOUND', () => ask('get', `${UNKNOWN_TASK}/cutover`)],
    [
      'its confirmation',
      'PLANNING.TASK_NOT_FOUND',
      () => ask('post', `${UNKNOWN_TASK}/cutover/source-services-stopped`, { confirmed: true }),
    ],
  ])('%s is refused with %s', async (_what, code, refused) => {
    const before = await events();
    expectRefusal(await refused(), code);
    expect(await events()).toEqual(before);
  });

  it('the same request with the same idempotency key is done once', async () => {
    const headers = { 'Idempotency-Key': randomUUID() };
    const first = await ask('post', '/api/v1/hci-sites', site, headers);
    expect(first.status).toBe(201);
    const before = await events();
    const second = await ask('post', '/api/v1/hci-sites', site, headers);
    expect({ status: second.status, body: second.body }).toEqual({ status: 201, body: first.body });
    expect(await events()).toEqual(before);
  });
});

describe('with a machine and its task', () => {
  let source: SourceMachine;
  let taskId: string;
  const order = (more: object = {}) => ({ name: 'again', sourceMachineId: source.sourceMachineId, siteId, ...more });
  const task = (rest: string): string => `${TASKS}/${taskId}${rest}`;
  const tasks = async () => taskPage.parse((await ask('get', TASKS)).body).tasks;
  const activityIs = (activity: string) => async (): Promise<boolean> =>
    (await ask('get', task(''))).body.replication?.activity === activity;
  /** Each is asked with nothing in its body, and is refused with its code; nothing is recorded. */
  const expectRefusals = async (refusals: readonly (readonly [string, ErrorCode])[]): Promise<void> => {
    const before = await events();
    for (const [rest, code] of refusals) expectRefusal(await ask('post', task(rest)), code);
    expect(await events()).toEqual(before);
  };
  const cutoverEvents = async () => (await events()).filter((event) => event.startsWith(`cutover-${taskId} `));

  beforeAll(async () => {
    source = await SourceMachine.start({ folder, name: 'small-machine', sizeMiB: 128, fileCount: 50 }, server.operator);
  });
  afterAll(() => source.remove());

  it.each<[string, ErrorCode, () => object]>([
    ['an unknown site', 'PROVISIONING.SITE_NOT_FOUND', () => ({ siteId: NOBODY })],
    ['an unknown disk', 'PLANNING.DISK_NOT_FOUND', () => ({ diskIds: ['no-such-disk'] })],
    [
      'a target disk that is too small',
      'PLANNING.PRE_CHECKS_FAILED',
      () => ({ target: { disks: [{ sourceDiskId: source.diskId, sizeBytes: 512, allocation: 'thin' }] } }),
    ],
    [
      'one disk to several',
      'PLANNING.PRE_CHECKS_FAILED',
      () => {
        const disk = { sourceDiskId: source.diskId, sizeBytes: 2 ** 30, allocation: 'thin' };
        return { target: { disks: [disk, disk] } };
      },
    ],
  ])('an order with %s is refused, and there is no task', async (_what, code, more) => {
    const response = await ask('post', TASKS, order(more()));
    expectRefusal(response, code);
    if (code === 'PLANNING.PRE_CHECKS_FAILED') {
      const found = z.array(concern).parse(response.body.details.concerns);
      expect(found.some(({ severity, remedy }) => severity === 'critical' && remedy !== '')).toBe(true);
    }
    expect(await tasks()).toEqual([]);
    expect((await events()).filter((event) => /^(migrationTask|targetVm|replication|cutover)-/.test(event))).toEqual(
      [],
    );
  });

  it('a cutover before any full round is refused', async () => {
    ({ taskId } = await server.operator.createTask(order()));
    expectRefusal(await ask('post', task('/cutover')), 'CUTOVER.NO_FULL_SYNC');
    const confirmed = await ask('post', task('/cutover/source-services-stopped'), { confirmed: true });
    expectRefusal(confirmed, 'CUTOVER.NO_FULL_SYNC');
    expect((await ask('get', task('/cutover'))).body).toMatchObject({ status: 'not-possible-yet', requestedAt: null });
    expect(await cutoverEvents()).toEqual([]);
  });

  it('a second task for the machine is refused', async () => {
    expectRefusal(await ask('post', TASKS, order()), 'PLANNING.SOURCE_BUSY');
    expect(await tasks()).toHaveLength(1);
  });

  it('what makes no sense for a task that keeps in sync is refused', async () => {
    const keepsInSync = async () => {
      const { body } = await ask('get', task(''));
      // The last that is recorded of the way there: that a cutover is allowed.
      const isThere = body.task.phase === 'keep-in-sync' && body.replication.activity === 'idle';
      return isThere && (await cutoverEvents()).length > 0;
    };
    await until('the task to keep in sync', keepsInSync, FULL_ROUND_WITHIN_MS);
    const before = await events();
    const cron = { kind: 'cron', expression: '99 99 * * *', timeZone: 'Europe/Berlin' };
    expectRefusal(await ask('put', task('/schedule'), cron), 'PLANNING.SCHEDULE_INVALID');
    const nowhere = { kind: 'cron', expression: '0 2 * * *', timeZone: 'Middle/Earth' };
    expectRefusal(await ask('put', task('/schedule'), nowhere), 'PLANNING.SCHEDULE_INVALID');
    expectRefusal(await ask('put', task('/schedule'), { ...cron, catchUp: 'all' }), 'REQUEST.INVALID');
    const windows = [{ days: ['monday'], from: '08:00', to: '18:00', storageShare: 0.1 }];
    const unknownZone = { calendar: { timeZone: 'Middle/Earth', windows } };
    expectRefusal(await ask('put', task('/throttle'), unknownZone), 'PLANNING.THROTTLE_INVALID');
    for (const wrong of [{ networkBytesPerSecond: 0 }, { storageShare: 30 }, { calendar: { windows } }, { speed: 1 }]) {
      expectRefusal(await ask('put', task('/throttle'), wrong), 'REQUEST.INVALID');
    }
    expectRefusal(await ask('post', task('/rounds'), { resend: 'yes' }), 'REQUEST.INVALID');
    expectRefusal(await ask('post', task('/retry')), 'PLANNING.TASK_NOT_HALTED');
    expectRefusal(await ask('post', task('/resume')), 'PLANNING.TASK_NOT_PAUSED');
    expectRefusal(await ask('post', task('/withdraw-cancellation')), 'PLANNING.TASK_NOT_CANCELLED');
    const confirmed = await ask('post', task('/cutover/source-services-stopped'), { confirmed: true });
    expectRefusal(confirmed, 'CUTOVER.NOT_REQUESTED');
    expect(await events()).toEqual(before);
  });

  it('what makes no sense for a paused task is refused', async () => {
    const paused = await ask('post', task('/pause'));
    expect(paused.status).toBe(202);
    expect(paused.body.task.status).toBe('paused');
    await until('transfer to pause', activityIs('paused'), FOLLOWS_WITHIN_MS);
    await expectRefusals([
      ['/pause', 'PLANNING.TASK_PAUSED'],
      ['/retry', 'PLANNING.TASK_PAUSED'],
      ['/rounds', 'TRANSFER.PAUSED'],
      ['/withdraw-cancellation', 'PLANNING.TASK_NOT_CANCELLED'],
    ]);
    expect((await ask('post', task('/resume'))).body.task.status).toBe('running');
    await until('transfer to go on', activityIs('idle'), FOLLOWS_WITHIN_MS);
  });

  it('a second cutover is refused', async () => {
    expect((await ask('post', task('/cutover'))).status).toBe(202);
    const before = await events();
    expectRefusal(await ask('post', task('/cutover')), 'CUTOVER.ALREADY_REQUESTED');
    expect(await events()).toEqual(before);
  });

  it('what makes no sense for a cancelled task is refused, and a repeated cancellation is one', async () => {
    const headers = { 'Idempotency-Key': randomUUID() };
    const first = await ask('post', task('/cancel'), { graceSeconds: 600 }, headers);
    expect({ status: first.status, task: first.body.task.status }).toEqual({ status: 202, task: 'cancelling' });
    const isAtRest = async () => {
      const { replication, cutover } = (await ask('get', task(''))).body;
      return replication.activity === 'stopped' && cutover.status === 'not-possible-yet';
    };
    await until('transfer and cutover to stop', isAtRest, FOLLOWS_WITHIN_MS);
    const before = await events();
    const second = await ask('post', task('/cancel'), { graceSeconds: 600 }, headers);
    expect({ status: second.status, cleanUpAt: second.body.task.cleanUpAt }).toEqual({
      status: 202,
      cleanUpAt: first.body.task.cleanUpAt,
    });
    const schedule = { kind: 'interval', everySeconds: 60 };
    expectRefusal(await ask('put', task('/schedule'), schedule), 'PLANNING.TASK_CANCELLED');
    expectRefusal(await ask('post', TASKS, order()), 'PLANNING.SOURCE_BUSY');
    expect(await events()).toEqual(before);
    await expectRefusals([
      ['/cancel', 'PLANNING.TASK_CANCELLED'],
      ['/pause', 'PLANNING.TASK_CANCELLED'],
      ['/resume', 'PLANNING.TASK_CANCELLED'],
      ['/retry', 'PLANNING.TASK_CANCELLED'],
      ['/rounds', 'TRANSFER.STOPPED'],
      ['/cutover', 'PLANNING.TASK_CANCELLED'],
    ]);
    expect((await ask('post', task('/withdraw-cancellation'))).body.task).toMatchObject({
      status: 'running',
      cleanUpAt: null,
    });
    expectRefusal(await ask('post', task('/withdraw-cancellation')), 'PLANNING.TASK_NOT_CANCELLED');
  });

  it('after the clean-up nothing can be asked of the task, and nothing of it is left', async () => {
    expect((await ask('post', task('/cancel'), { graceSeconds: 0 })).status).toBe(202);
    const isCancelled = async () => (await ask('get', task(''))).body.task.status === 'cancelled';
    await until('the clean-up', isCancelled, CLEANED_UP_WITHIN_MS);
    await expectRefusals([
      ['/withdraw-cancellation', 'PLANNING.TASK_ENDED'],
      ['/cancel', 'PLANNING.TASK_ENDED'],
      ['/pause', 'PLANNING.TASK_ENDED'],
      ['/resume', 'PLANNING.TASK_ENDED'],
      ['/retry', 'PLANNING.TASK_ENDED'],
    ]);
    const { entries } = planningCalls.readCompensationLedger.reply.parse((await ask('get', task('/ledger'))).body);
    expect(entries.length).toBeGreaterThan(0);
    expect(entries.filter(({ state }) => state !== 'removed')).toEqual([]);
  });
});
