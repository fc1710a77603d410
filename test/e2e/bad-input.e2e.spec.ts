import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import request, { type Response } from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ERROR_STATUS, type ErrorCode, concern } from '#libs/contracts';
import { recordedEvents } from './gateway-rest/recorded-events.js';
import { until } from './gateway-rest/until.js';
import { SourceMachine } from './migration/source-machine.js';
import { StandaloneServer } from './migration/standalone-server.js';
import { makeTestFolder, removeTestFolder } from './migration/test-folder.js';

/** Bad input against the real services: each is refused with its code, and nothing is created. */

type Method = 'get' | 'post' | 'put' | 'delete';

const FULL_ROUND_WITHIN_MS = 120_000;
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
    ['an unknown task', 'PLANNING.TASK_NOT_FOUND', () => ask('get', UNKNOWN_TASK)],
    ['its events', 'PLANNING.TASK_NOT_FOUND', () => ask('get', `${UNKNOWN_TASK}/events`)],
    ['its progress', 'PLANNING.TASK_NOT_FOUND', () => ask('get', `${UNKNOWN_TASK}/progress`)],
    ['its rounds', 'PLANNING.TASK_NOT_FOUND', () => ask('post', `${UNKNOWN_TASK}/rounds`, {})],
    ['its retry', 'PLANNING.TASK_NOT_FOUND', () => ask('post', `${UNKNOWN_TASK}/retry`)],
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
      return body.task.phase === 'keep-in-sync' && body.replication.activity === 'idle';
    };
    await until('the task to keep in sync', keepsInSync, FULL_ROUND_WITHIN_MS);
    const before = await events();
    const cron = { kind: 'cron', expression: '99 99 * * *', timeZone: 'Europe/Berlin' };
    expectRefusal(await ask('put', task('/schedule'), cron), 'PLANNING.SCHEDULE_INVALID');
    const nowhere = { kind: 'cron', expression: '0 2 * * *', timeZone: 'Middle/Earth' };
    expectRefusal(await ask('put', task('/schedule'), nowhere), 'PLANNING.SCHEDULE_INVALID');
    expectRefusal(await ask('post', task('/retry')), 'PLANNING.TASK_NOT_HALTED');
    const confirmed = await ask('post', task('/cutover/source-services-stopped'), { confirmed: true });
    expectRefusal(confirmed, 'CUTOVER.NOT_REQUESTED');
    expect(await events()).toEqual(before);
  });

  it('a second cutover is refused', async () => {
    expect((await ask('post', task('/cutover'))).status).toBe(202);
    const before = await events();
    expectRefusal(await ask('post', task('/cutover')), 'CUTOVER.ALREADY_REQUESTED');
    expect(await events()).toEqual(before);
  });
});
