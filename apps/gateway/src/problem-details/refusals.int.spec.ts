import { connect } from 'node:net';
import request, { type Response } from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ERROR_STATUS, type ErrorCode, planningCalls, provisioningCalls, transferCalls } from '#libs/contracts';
import { type GatewayUnderTest, startGateway } from '../../../../test/e2e/gateway-rest/gateway-under-test.js';
import { apiKeyEntry } from '../authentication/api-keys.js';
import { createGateway } from '../create-gateway.js';
import { hciSiteExample, migrationTaskExample, sourceMachineExample } from '../openapi/examples.js';

const KEY = 'key-of-alice-for-tests-only';
const SITES = '/api/v1/hci-sites';
const TASKS = '/api/v1/migration-tasks';
const TASK = `${TASKS}/${migrationTaskExample.taskId}`;
const site = { name: 'rack-2', driver: 'local-process', version: '6.11.1' };
const order = {
  name: 'db-01',
  sourceMachineId: sourceMachineExample.sourceMachineId,
  siteId: hciSiteExample.siteId,
};
const wish = { sourceDiskId: 'a', sizeBytes: 1, allocation: 'thin' };

/** The whole document but for what differs by occurrence. */
const expectProblem = (response: Response, code: ErrorCode, path: string): void => {
  expect(response.body).toMatchObject({
    type: `urn:landfall:problem:${code}`,
    status: ERROR_STATUS[code],
    code,
    instance: path,
    correlationId: response.headers['x-correlation-id'],
    title: expect.stringMatching(/^\w+: \w/),
    detail: expect.stringMatching(/\.$/),
    remedy: expect.stringMatching(/\.$/),
  });
  expect(response.status).toBe(ERROR_STATUS[code]);
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(response.headers['cache-control']).toBe('no-store');
};

const fieldsOf = (response: Response): string[] => {
  const errors: { field: string }[] = response.body.errors ?? [];
  return [...new Set(errors.map(({ field }) => field))];
};

describe('what the gateway refuses', () => {
  let gateway: GatewayUnderTest;
  const ask = (method: 'get' | 'post' | 'put' | 'delete' | 'patch' | 'options' | 'head', path: string) =>
    request(gateway.url)[method](path).set('Authorization', `Bearer ${KEY}`);

  beforeAll(async () => {
    gateway = await startGateway(createGateway, [
      apiKeyEntry('bob', 'another-key'),
      apiKeyEntry('alice', KEY),
      apiKeyEntry('carol', 'a-third-key'),
    ]);
  });
  afterAll(() => gateway.close());
  beforeEach(() => gateway.services.forget());

  describe('without a known key', () => {
    it.each([
      ['no header', undefined],
      ['another scheme', 'Basic YWxpY2U6a2V5'],
      ['a wrong key', 'Bearer wrong'],
      ['the start of a key', `Bearer ${KEY.slice(0, -1)}`],
      ['an empty key', 'Bearer '],
      ['the digest of a key', `Bearer ${apiKeyEntry('alice', KEY).sha256}`],
    ])('%s', async (_what, authorization) => {
      const asked = request(gateway.url).get(SITES);
      const response = await (authorization === undefined ? asked : asked.set('Authorization', authorization));
      expectProblem(response, 'AUTHENTICATION.REQUIRED', SITES);
      expect(response.headers['www-authenticate']).toBe('Bearer');
      expect(gateway.services.asked).toEqual([]);
    });

    it('tells nothing about routes, and reads no body', async () => {
      const response = await request(gateway.url).post('/nowhere').type('json').send('{"broken');
      expectProblem(response, 'AUTHENTICATION.REQUIRED', '/nowhere');
    });

    it.each(['/health/', '/HEALTH', '/openapi.json/', '//health', '/health/..;/api/v1/hci-sites'])(
      'the open paths are compared exactly: %s',
      async (path) => {
        expect((await request(gateway.url).get(path)).status).toBe(401);
      },
    );
  });

  describe('paths and methods', () => {
    it.each(['/', '/nowhere', '/api/v1', `${TASK}/nowhere`, '/api/v2/hci-sites'])('nothing at %s', async (path) => {
      expectProblem(await ask('get', path), 'REQUEST.NOT_FOUND', path);
    });

    it.each([
      ['patch', SITES, 'GET, HEAD, POST'],
      ['delete', TASK, 'GET, HEAD'],
      ['options', `${TASK}/schedule`, 'DELETE, PUT'],
      ['post', `${TASK}/progress`, 'GET, HEAD'],
      ['post', '/openapi.json', 'GET, HEAD'],
      ['put', '/health', 'GET, HEAD'],
    ] as const)('%s %s is not there, and what is', async (method, path, allowed) => {
      const response = await ask(method, path);
      expectProblem(response, 'REQUEST.METHOD_NOT_ALLOWED', path);
      expect(response.headers['allow']).toBe(allowed);
    });

    it.each([`${TASKS}/not-a-uuid`, `${TASKS}/check`, `${TASK}0/events`, `${SITES}/%00`])(
      'an id that is none: %s',
      async (path) => {
        expectProblem(await ask('get', path), 'REQUEST.INVALID', path);
        expect(gateway.services.asked).toEqual([]);
      },
    );

    it('a path that is not encoded', async () => {
      expectProblem(await ask('get', `${SITES}/%FF`), 'REQUEST.INVALID', `${SITES}/%FF`);
    });
  });

  describe('bodies', () => {
    it.each([
      ['cut off', '{"name": "rack'],
      ['no JSON', 'name=rack'],
      ['a string', '"rack"'],
      ['null', 'null'],
    ])('that are no JSON object: %s', async (_what, body) => {
      expectProblem(await ask('post', SITES).type('json').send(body), 'REQUEST.MALFORMED_JSON', SITES);
    });

    it.each([
      ['a form', { 'Content-Type': 'application/x-www-form-urlencoded' }],
      ['plain text', { 'Content-Type': 'text/plain' }],
      ['no type', { 'Content-Type': '' }],
      ['another character set', { 'Content-Type': 'application/json; charset=utf-16' }],
      ['compressed', { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }],
    ])('of another media type: %s', async (_what, headers) => {
      const response = await ask('post', SITES).set(headers).send(JSON.stringify(site));
      expectProblem(response, 'REQUEST.UNSUPPORTED_MEDIA_TYPE', SITES);
    });

    it('larger than 256 KiB, told by their length', async () => {
      const body = JSON.stringify({ ...site, name: 'x'.repeat(256 * 1024) });
      expectProblem(await ask('post', SITES).type('json').send(body), 'REQUEST.BODY_TOO_LARGE', SITES);
    });

    it('larger than 256 KiB, sent in pieces without a length', async () => {
      const response = await fetch(`${gateway.url}${SITES}`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' },
        body: new Blob(['{"name":"', 'x'.repeat(300 * 1024), '"}']).stream(),
        duplex: 'half',
      });
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({ code: 'REQUEST.BODY_TOO_LARGE' });
    });

    it('nested too deep', async () => {
      const body = `{"name":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
      expectProblem(await ask('post', SITES).type('json').send(body), 'REQUEST.INVALID', SITES);
    });

    it.each<[string, 'post' | 'put', string, unknown, string[]]>([
      ['nothing', 'post', SITES, undefined, ['name', 'driver', 'version']],
      ['an array', 'post', SITES, [site], ['']],
      ['an unknown field', 'post', SITES, { ...site, nmae: 'x' }, ['nmae']],
      ['a number for text', 'post', SITES, { ...site, name: 7 }, ['name']],
      ['null for text', 'post', SITES, { ...site, name: null }, ['name']],
      ['blank text', 'post', SITES, { ...site, name: '  ' }, ['name']],
      ['text that is too long', 'post', SITES, { ...site, name: 'x'.repeat(201) }, ['name']],
      ['a NUL in text', 'post', SITES, { ...site, name: 'a\u0000b' }, ['name']],
      ['half a surrogate pair', 'post', SITES, { ...site, name: 'a\ud800' }, ['name']],
      ['an unknown driver', 'post', SITES, { ...site, driver: 'vmware' }, ['driver']],
      ['minutes as text', 'post', '/api/v1/enrolment-tokens', { validMinutes: '5' }, ['validMinutes']],
      ['no minutes', 'post', '/api/v1/enrolment-tokens', { validMinutes: 0 }, ['validMinutes']],
      ['null for what may be left out', 'post', '/api/v1/enrolment-tokens', { name: null }, ['name']],
      ['kind of endpoint', 'post', '/api/v1/enrolment-tokens', { kind: 'restorer' }, ['kind']],
      [
        'ids that are none',
        'post',
        TASKS,
        { ...order, siteId: 'x', sourceMachineId: 1 },
        ['sourceMachineId', 'siteId'],
      ],
      ['no disks', 'post', TASKS, { ...order, diskIds: [] }, ['diskIds']],
      ['disks that are no text', 'post', TASKS, { ...order, diskIds: [1] }, ['diskIds']],
      ['raw disks as text', 'post', TASKS, { ...order, copyRawDisks: 'true' }, ['copyRawDisks']],
      ['a target that is text', 'post', TASKS, { ...order, target: 'big' }, ['target']],
      ['a target that is an array', 'post', TASKS, { ...order, target: [{}] }, ['target']],
      ['an unknown field within', 'post', TASKS, { ...order, target: { cpus: 4 } }, ['target.cpus']],
      ['half a processor', 'post', TASKS, { ...order, target: { cpuCount: 0.5 } }, ['target.cpuCount']],
      ['bytes beyond 2^53', 'post', TASKS, { ...order, target: { memoryBytes: 2 ** 53 } }, ['target.memoryBytes']],
      ['negative bytes', 'post', TASKS, { ...order, target: { memoryBytes: -1 } }, ['target.memoryBytes']],
      [
        'no disk in the list',
        'post',
        TASKS,
        { ...order, target: { disks: [null] } },
        ['target.disks', 'target.disks.0'],
      ],
      [
        'a disk for a list of disks',
        'post',
        TASKS,
        { ...order, target: { disks: { ...wish, sizeBytes: '1' } } },
        ['target.disks', 'target.disks.sizeBytes'],
      ],
      [
        'a wrong field deep within',
        'post',
        TASKS,
        { ...order, target: { disks: [wish, { ...wish, sizeBytes: '1' }] } },
        ['target.disks.1.sizeBytes'],
      ],
      ['the same at the check', 'post', `${TASKS}/check`, { ...order, name: 1 }, ['name']],
      ['fields where none are', 'post', `${TASK}/rounds`, { full: true }, ['full']],
      ['fields where none are', 'post', `${TASK}/retry`, { now: true }, ['now']],
      ['fields where none are', 'post', `${TASK}/cutover`, { force: true }, ['force']],
      ['fields where none are', 'post', `${TASK}/pause`, { seconds: 5 }, ['seconds']],
      ['fields where none are', 'post', `${TASK}/resume`, { now: true }, ['now']],
      ['fields where none are', 'post', `${TASK}/withdraw-cancellation`, { now: true }, ['now']],
      ['a word for true', 'post', `${TASK}/rounds`, { resend: 'true' }, ['resend']],
      ['null for what may be left out', 'post', `${TASK}/rounds`, { resend: null }, ['resend']],
      ['a grace period as text', 'post', `${TASK}/cancel`, { graceSeconds: '60' }, ['graceSeconds']],
      ['a grace period in the past', 'post', `${TASK}/cancel`, { graceSeconds: -1 }, ['graceSeconds']],
      ['a grace period beyond a year', 'post', `${TASK}/cancel`, { graceSeconds: 31_536_001 }, ['graceSeconds']],
      ['a grace period of null', 'post', `${TASK}/cancel`, { graceSeconds: null }, ['graceSeconds']],
      ['settings that are text', 'post', TASKS, { ...order, settings: 'default' }, ['settings']],
      ['settings that are null', 'post', TASKS, { ...order, settings: null }, ['settings']],
      ['an unknown setting', 'post', TASKS, { ...order, settings: { retries: 1 } }, ['settings.retries']],
      [
        'no window',
        'post',
        TASKS,
        { ...order, settings: { resumeWindowSeconds: 0 } },
        ['settings.resumeWindowSeconds'],
      ],
      [
        'several settings that are wrong',
        'post',
        `${TASKS}/check`,
        {
          ...order,
          settings: {
            afterFailure: 'hope',
            retryLimit: 21,
            retryDelaySeconds: 0.5,
            digestAlgorithm: 'md5',
            cancelGraceSeconds: null,
          },
        },
        [
          'settings.afterFailure',
          'settings.retryLimit',
          'settings.retryDelaySeconds',
          'settings.digestAlgorithm',
          'settings.cancelGraceSeconds',
        ],
      ],
      ['a schedule without a kind', 'put', `${TASK}/schedule`, {}, ['kind']],
      ['a schedule of another kind', 'put', `${TASK}/schedule`, { kind: 'daily' }, ['kind']],
      ['a kind that is no text', 'put', `${TASK}/schedule`, { kind: {} }, ['kind']],
      ['no interval', 'put', `${TASK}/schedule`, { kind: 'interval' }, ['everySeconds']],
      [
        'an unknown way to catch up',
        'put',
        `${TASK}/schedule`,
        { kind: 'interval', everySeconds: 5, catchUp: 'all' },
        ['catchUp'],
      ],
      ['an interval of nothing', 'put', `${TASK}/schedule`, { kind: 'interval', everySeconds: 0 }, ['everySeconds']],
      [
        'both kinds at once',
        'put',
        `${TASK}/schedule`,
        { kind: 'interval', everySeconds: 5, expression: '* * * * *' },
        ['expression'],
      ],
      ['a schedule in an array', 'put', `${TASK}/schedule`, [{ kind: 'interval', everySeconds: 5 }], ['']],
      ['no confirmation', 'post', `${TASK}/cutover/source-services-stopped`, {}, ['confirmed']],
      ['a denial', 'post', `${TASK}/cutover/source-services-stopped`, { confirmed: false }, ['confirmed']],
      ['a word for true', 'post', `${TASK}/cutover/source-services-stopped`, { confirmed: 'true' }, ['confirmed']],
    ])('of a wrong shape: %s', async (_what, method, path, body, fields) => {
      const asked = ask(method, path);
      const response = await (body === undefined ? asked : asked.type('json').send(JSON.stringify(body)));
      expectProblem(response, 'REQUEST.INVALID', path);
      expect(fieldsOf(response).sort()).toEqual([...fields].sort());
      expect(gateway.services.asked).toEqual([]);
    });

    it('and names at most fifty of their faults, each cut short', async () => {
      const names = Array.from({ length: 2_000 }, (_, index) => `${'x'.repeat(100)}${index}`);
      const body = Object.fromEntries(names.map((name) => [name, 1]));
      const response = await ask('post', `${TASK}/rounds`).send(body);
      expectProblem(response, 'REQUEST.INVALID', `${TASK}/rounds`);
      expect(response.body.errors).toHaveLength(50);
      expect(response.text.length).toBeLessThan(50_000);
    });
  });

  it.each([
    [TASKS, 'limit=0', 'limit'],
    [TASKS, 'limit=501', 'limit'],
    [TASKS, 'limit=', 'limit'],
    [TASKS, 'limit=1e2', 'limit'],
    [TASKS, 'limit=5&limit=6', 'limit'],
    [TASKS, 'after=', 'after'],
    [TASKS, 'sort=name', 'sort'],
    [`${TASK}/events`, 'after=-1', 'after'],
    [`${TASK}/events`, 'after=abc', 'after'],
    [`${TASK}/events`, 'limit=1001', 'limit'],
    [`${TASK}/acknowledged-ranges`, 'roundId=', 'roundId'],
    [`${TASK}/acknowledged-ranges`, 'roundId=1', 'roundId'],
    [`${TASK}/acknowledged-ranges`, 'diskId=a', 'diskId'],
  ])('%s?%s', async (path, query, field) => {
    const response = await ask('get', `${path}?${query}`);
    expectProblem(response, 'REQUEST.INVALID', path);
    expect(fieldsOf(response)).toEqual([field]);
    expect(gateway.services.asked).toEqual([]);
  });

  it.each(['', 'x'.repeat(201), 'caf\u00e9'])('the idempotency key "%s"', async (key) => {
    const response = await ask('post', SITES).set('Idempotency-Key', key).send(site);
    expectProblem(response, 'REQUEST.INVALID', SITES);
    expect(fieldsOf(response)).toEqual(['Idempotency-Key']);
    expect(gateway.services.asked).toEqual([]);
  });

  it('a request that is no HTTP, without an answer that tells anything', async () => {
    const { port, hostname } = new URL(gateway.url);
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(Number(port), hostname, () => socket.end('HELLO\r\n\r\n'));
      socket.on('data', (data) => (text += data.toString()));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).not.toMatch(/at .*\.ts/);
  });
});

describe('what services refuse', () => {
  let gateway: GatewayUnderTest;
  const register = () => request(gateway.url).post(SITES).set('Authorization', `Bearer ${KEY}`).send(site);

  beforeAll(async () => {
    gateway = await startGateway(createGateway, [apiKeyEntry('alice', KEY)]);
  });
  afterAll(() => gateway.close());
  beforeEach(() => gateway.services.forget());

  it('comes with their code, text, remedy and details', async () => {
    gateway.services.refuse(provisioningCalls.registerHciSite, 'PROVISIONING.SITE_NAME_TAKEN', { name: 'rack-2' });
    const response = await register();
    expectProblem(response, 'PROVISIONING.SITE_NAME_TAKEN', SITES);
    expect(response.body).toMatchObject({
      title: 'Provisioning: site name taken',
      detail: 'Refused with PROVISIONING.SITE_NAME_TAKEN.',
      remedy: 'Do something else.',
      details: { name: 'rack-2' },
    });
  });

  it('names the fields that a service found wrong', async () => {
    const issues = [{ field: 'version', message: 'is too new' }];
    gateway.services.refuse(provisioningCalls.registerHciSite, 'REQUEST.INVALID', { issues });
    const response = await register();
    expectProblem(response, 'REQUEST.INVALID', SITES);
    expect(response.body.errors).toEqual(issues);
    expect(response.body).not.toHaveProperty('details');
  });

  it('is internal, and tells nothing, when the code is not in the closed list', async () => {
    gateway.services.refuse(provisioningCalls.registerHciSite, 'PROVISIONING.SECRET_RULE', { password: 'swordfish' });
    const response = await register();
    expectProblem(response, 'SERVICE.INTERNAL', SITES);
    expect(response.text).not.toMatch(/SECRET|swordfish/);
  });

  it('is internal when the service fails', async () => {
    expectProblem(await register(), 'SERVICE.INTERNAL', SITES);
  });

  it('has the status of its code, for every code', async () => {
    for (const code of Object.keys(ERROR_STATUS).filter((each) => !each.startsWith('SERVICE.'))) {
      gateway.services.refuse(provisioningCalls.registerHciSite, code, { allowed: ['GET'] });
      const response = await register();
      expect(response.body).toMatchObject({ code });
      expectProblem(response, code as ErrorCode, SITES);
    }
  });

  it('is checked before a body that is taken: an unknown task', async () => {
    gateway.services.refuse(planningCalls.getMigrationTask, 'PLANNING.TASK_NOT_FOUND');
    const response = await request(gateway.url).post(`${TASK}/rounds`).set('Authorization', `Bearer ${KEY}`);
    expectProblem(response, 'PLANNING.TASK_NOT_FOUND', `${TASK}/rounds`);
    expect(gateway.services.askedOf(transferCalls.startSyncRound)).toEqual([]);
  });
});
