import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ServiceCall, cutoverCalls, planningCalls, provisioningCalls, transferCalls } from '#libs/contracts';
import { type GatewayUnderTest, startGateway } from '../../../test/e2e/gateway-rest/gateway-under-test.js';
import { apiKeyEntry } from './authentication/api-keys.js';
import { createGateway } from './create-gateway.js';
import * as examples from './openapi/examples.js';

const KEY = 'key-of-alice-for-tests-only';
const { taskId } = examples.migrationTaskExample;
const { sourceMachineId } = examples.sourceMachineExample;
const { siteId } = examples.hciSiteExample;
const TASK = `/api/v1/migration-tasks/${taskId}`;
const ROUND_ID = 'f47b1a2c-6a1e-4c8e-8a39-3d1c2b4a7606';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

interface Route {
  readonly operation: string;
  readonly method: 'get' | 'post' | 'put' | 'delete';
  readonly path: string;
  readonly body?: object;
  readonly call: ServiceCall;
  readonly data: object;
  readonly status: number;
  readonly answer: unknown;
  readonly location?: string;
}

const order = {
  name: 'db-01 to rack-2',
  sourceMachineId,
  siteId,
  diskIds: ['WD-4C530001'],
  target: {
    cpuCount: 2,
    memoryBytes: 4_294_967_296,
    firmware: 'uefi',
    provisioning: 'manual',
    disks: [{ sourceDiskId: 'WD-4C530001', sizeBytes: 107_374_182_400, allocation: 'thin' }],
  },
  copyRawDisks: true,
  settings: {
    resumeWindowSeconds: 600,
    afterFailure: 'resend-everything',
    retryLimit: 0,
    retryDelaySeconds: 30,
    digestAlgorithm: 'sha256',
    cancelGraceSeconds: 0,
    failureGraceSeconds: null,
  },
};

const ROUTES: readonly Route[] = [
  {
    operation: 'issueEnrolmentToken',
    method: 'post',
    path: '/api/v1/enrolment-tokens',
    body: { name: 'db-01', validMinutes: 30 },
    call: transferCalls.issueEnrolmentToken,
    data: { kind: 'agent', name: 'db-01', validSeconds: 1800 },
    status: 201,
    answer: examples.enrolmentTokenExample,
  },
  {
    operation: 'issueEnrolmentToken',
    method: 'post',
    path: '/api/v1/enrolment-tokens',
    call: transferCalls.issueEnrolmentToken,
    data: { kind: 'agent', name: null, validSeconds: 3600 },
    status: 201,
    answer: examples.enrolmentTokenExample,
  },
  {
    operation: 'listSourceMachines',
    method: 'get',
    path: '/api/v1/source-machines',
    call: transferCalls.listSourceMachines,
    data: {},
    status: 200,
    answer: { sourceMachines: [examples.sourceMachineExample] },
  },
  {
    operation: 'getSourceMachine',
    method: 'get',
    path: `/api/v1/source-machines/${sourceMachineId.toUpperCase()}`,
    call: transferCalls.getSourceMachine,
    data: { sourceMachineId },
    status: 200,
    answer: examples.sourceMachineExample,
  },
  {
    operation: 'registerHciSite',
    method: 'post',
    path: '/api/v1/hci-sites',
    body: { name: 'rack-2', driver: 'local-process', version: '6.11.1' },
    call: provisioningCalls.registerHciSite,
    data: { name: 'rack-2', driver: 'local-process', version: '6.11.1' },
    status: 201,
    answer: examples.hciSiteExample,
    location: `/api/v1/hci-sites/${siteId}`,
  },
  {
    operation: 'listHciSites',
    method: 'get',
    path: '/api/v1/hci-sites',
    call: provisioningCalls.listHciSites,
    data: {},
    status: 200,
    answer: { sites: [examples.hciSiteExample] },
  },
  {
    operation: 'getHciSite',
    method: 'get',
    path: `/api/v1/hci-sites/${siteId}`,
    call: provisioningCalls.getHciSite,
    data: { siteId },
    status: 200,
    answer: examples.hciSiteExample,
  },
  {
    operation: 'checkMigrationTask',
    method: 'post',
    path: '/api/v1/migration-tasks/check',
    body: order,
    call: planningCalls.checkMigrationTask,
    data: order,
    status: 200,
    answer: examples.preCheckExample,
  },
  {
    operation: 'createMigrationTask',
    method: 'post',
    path: '/api/v1/migration-tasks',
    body: order,
    call: planningCalls.createMigrationTask,
    data: order,
    status: 201,
    answer: examples.migrationTaskExample,
    location: TASK,
  },
  {
    operation: 'createMigrationTask',
    method: 'post',
    path: '/api/v1/migration-tasks',
    body: { name: 'db-01', sourceMachineId, siteId },
    call: planningCalls.createMigrationTask,
    data: { name: 'db-01', sourceMachineId, siteId, target: {}, copyRawDisks: false, settings: {} },
    status: 201,
    answer: examples.migrationTaskExample,
    location: TASK,
  },
  {
    operation: 'listMigrationTasks',
    method: 'get',
    path: '/api/v1/migration-tasks?after=abc&limit=7',
    call: planningCalls.listMigrationTasks,
    data: { after: 'abc', limit: 7 },
    status: 200,
    answer: { tasks: [examples.migrationTaskExample], next: 'def' },
  },
  {
    operation: 'listMigrationTasks',
    method: 'get',
    path: '/api/v1/migration-tasks',
    call: planningCalls.listMigrationTasks,
    data: { after: null, limit: 50 },
    status: 200,
    answer: { tasks: [], next: null },
  },
  {
    operation: 'startSyncRound',
    method: 'post',
    path: `${TASK}/rounds`,
    body: {},
    call: transferCalls.startSyncRound,
    data: { taskId, trigger: 'manual', resend: false },
    status: 202,
    answer: examples.syncRoundRequestedExample,
  },
  {
    operation: 'startSyncRound',
    method: 'post',
    path: `${TASK}/rounds`,
    body: { resend: true },
    call: transferCalls.startSyncRound,
    data: { taskId, trigger: 'manual', resend: true },
    status: 202,
    answer: examples.syncRoundRequestedExample,
  },
  {
    operation: 'readAcknowledgedRanges',
    method: 'get',
    path: `${TASK}/acknowledged-ranges?roundId=${ROUND_ID.toUpperCase()}`,
    call: transferCalls.readAcknowledgedRanges,
    data: { taskId, roundId: ROUND_ID },
    status: 200,
    answer: examples.acknowledgedRangesExample,
  },
  {
    operation: 'readAcknowledgedRanges',
    method: 'get',
    path: `${TASK}/acknowledged-ranges`,
    call: transferCalls.readAcknowledgedRanges,
    data: { taskId, roundId: null },
    status: 200,
    answer: { disks: [] },
  },
  {
    operation: 'readCompensationLedger',
    method: 'get',
    path: `${TASK}/ledger`,
    call: planningCalls.readCompensationLedger,
    data: { taskId },
    status: 200,
    answer: examples.compensationLedgerExample,
  },
  {
    operation: 'setSchedule',
    method: 'put',
    path: `${TASK}/schedule`,
    body: { kind: 'interval', everySeconds: 60 },
    call: planningCalls.setSchedule,
    data: { taskId, schedule: { kind: 'interval', everySeconds: 60 } },
    status: 200,
    answer: examples.migrationTaskExample,
  },
  {
    operation: 'setSchedule',
    method: 'put',
    path: `${TASK}/schedule`,
    body: { kind: 'cron', expression: '30 2 * * *', timeZone: 'Europe/Berlin', catchUp: 'skip' },
    call: planningCalls.setSchedule,
    data: { taskId, schedule: { kind: 'cron', expression: '30 2 * * *', timeZone: 'Europe/Berlin', catchUp: 'skip' } },
    status: 200,
    answer: examples.migrationTaskExample,
  },
  {
    operation: 'setThrottle',
    method: 'put',
    path: `${TASK}/throttle`,
    body: { networkBytesPerSecond: null, storageShare: 0.5 },
    call: planningCalls.adjustThrottle,
    data: {
      taskId,
      throttle: { networkBytesPerSecond: null, storageShare: 0.5, storageQueueDepth: 4, calendar: null },
    },
    status: 200,
    answer: examples.migrationTaskExample,
  },
  {
    operation: 'removeSchedule',
    method: 'delete',
    path: `${TASK}/schedule`,
    call: planningCalls.setSchedule,
    data: { taskId, schedule: null },
    status: 200,
    answer: examples.migrationTaskExample,
  },
  {
    operation: 'retryMigrationTask',
    method: 'post',
    path: `${TASK}/retry`,
    call: planningCalls.retryMigrationTask,
    data: { taskId },
    status: 202,
    answer: examples.migrationTaskExample,
  },
  {
    operation: 'requestCutover',
    method: 'post',
    path: `${TASK}/cutover`,
    call: cutoverCalls.requestCutover,
    data: { taskId },
    status: 202,
    answer: examples.cutoverExample,
  },
  {
    operation: 'confirmSourceServicesStopped',
    method: 'post',
    path: `${TASK}/cutover/source-services-stopped`,
    body: { confirmed: true },
    call: cutoverCalls.confirmSourceServicesStopped,
    data: { taskId },
    status: 202,
    answer: examples.cutoverExample,
  },
  {
    operation: 'getCutover',
    method: 'get',
    path: `${TASK}/cutover`,
    call: cutoverCalls.getCutover,
    data: { taskId },
    status: 200,
    answer: examples.cutoverExample,
  },
  {
    operation: 'readTaskEvents',
    method: 'get',
    path: `${TASK}/events?after=41&limit=2`,
    call: planningCalls.readTaskEvents,
    data: { taskId, after: '41', limit: 2 },
    status: 200,
    answer: { events: [examples.recordedEventExample], next: '1042' },
  },
];

/** Planning does what these ask, and the answer has the other services' part, too. */
const TASK_ORDERS = [
  ['pauseMigrationTask', 'pause', undefined, planningCalls.pauseMigrationTask, { taskId }],
  ['resumeMigrationTask', 'resume', {}, planningCalls.resumeMigrationTask, { taskId }],
  ['cancelMigrationTask', 'cancel', undefined, planningCalls.cancelMigrationTask, { taskId, graceSeconds: null }],
  ['cancelMigrationTask', 'cancel', {}, planningCalls.cancelMigrationTask, { taskId, graceSeconds: null }],
  [
    'cancelMigrationTask',
    'cancel',
    { graceSeconds: 0 },
    planningCalls.cancelMigrationTask,
    { taskId, graceSeconds: 0 },
  ],
  ['withdrawCancellation', 'withdraw-cancellation', undefined, planningCalls.withdrawCancellation, { taskId }],
] as const;

/** These are tested by themselves. */
const ELSEWHERE = [
  'getHealth',
  'getMigrationTask',
  'followMigrationTask',
  ...TASK_ORDERS.map(([operation]) => operation),
];

const isOfTask = (path: string): boolean => path.startsWith(`${TASK}/`);

describe("the gateway's routes", () => {
  let gateway: GatewayUnderTest;
  const ask = (method: Route['method'], path: string) =>
    request(gateway.url)[method](path).set('Authorization', `Bearer ${KEY}`);

  beforeAll(async () => {
    gateway = await startGateway(createGateway, [apiKeyEntry('alice', KEY)]);
  });
  afterAll(() => gateway.close());
  beforeEach(() => {
    gateway.services.forget();
    gateway.services.on(planningCalls.getMigrationTask, () => examples.migrationTaskExample);
  });

  it.each(ROUTES)('$method $path asks a service and gives its answer', async (route) => {
    gateway.services.on(route.call, () => route.answer);
    const response = await ask(route.method, route.path).send(route.body);
    expect(response.status).toBe(route.status);
    expect(response.body).toEqual(route.answer);
    expect(response.headers['location']).toBe(route.location);
    const asked = gateway.services.askedOf(route.call);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.data).toEqual(route.data);
    expect(asked[0]?.context).toMatchObject({
      actor: 'operator:alice',
      correlationId: response.headers['x-correlation-id'],
      causationId: asked[0]?.context.commandId,
    });
  });

  it.each(ROUTES.filter(({ path }) => isOfTask(path)))(
    '$method $path asks for the task first, and for nothing else when there is none',
    async (route) => {
      gateway.services.refuse(planningCalls.getMigrationTask, 'PLANNING.TASK_NOT_FOUND');
      const response = await ask(route.method, route.path).send(route.body);
      expect(response.status).toBe(404);
      expect(response.body).toMatchObject({ code: 'PLANNING.TASK_NOT_FOUND', status: 404 });
      expect(gateway.services.asked.map(({ subject }) => subject)).toEqual([planningCalls.getMigrationTask.subject]);
    },
  );

  it('composes a task with its replication and cutover', async () => {
    const { task, replication, cutover } = examples.taskDocumentExample;
    gateway.services.on(transferCalls.getReplication, () => replication);
    gateway.services.on(cutoverCalls.getCutover, () => cutover);
    const response = await ask('get', TASK);
    expect(response.status).toBe(200);
    expect(response.body).toEqual({ task, replication, cutover });

    gateway.services.on(transferCalls.getReplication, () => null);
    expect((await ask('get', TASK)).body).toEqual({ task, replication: null, cutover });
  });

  it.each(TASK_ORDERS)('%s (%s %j) answers the whole task', async (_operation, path, body, call, data) => {
    const { replication, cutover } = examples.taskDocumentExample;
    const task = { ...examples.migrationTaskExample, name: 'as the command left it' };
    gateway.services.on(call, () => task);
    gateway.services.on(transferCalls.getReplication, () => replication);
    gateway.services.on(cutoverCalls.getCutover, () => cutover);
    const response = await ask('post', `${TASK}/${path}`).set('Idempotency-Key', 'once').send(body);
    expect(response.status).toBe(202);
    expect(response.body).toEqual({ task, replication, cutover });
    const [asked] = gateway.services.askedOf(call);
    expect(asked?.data).toEqual(data);
    const commandId = asked?.context.commandId;
    await ask('post', `${TASK}/${path}`).set('Idempotency-Key', 'once').send(body);
    expect(gateway.services.askedOf(call).map(({ context }) => context.commandId)).toEqual([commandId, commandId]);
  });

  it.each(TASK_ORDERS)('%s (%s %j) asks for nothing when there is no task', async (_operation, path, body) => {
    gateway.services.refuse(planningCalls.getMigrationTask, 'PLANNING.TASK_NOT_FOUND');
    const response = await ask('post', `${TASK}/${path}`).send(body);
    expect(response.body).toMatchObject({ code: 'PLANNING.TASK_NOT_FOUND', status: 404 });
    expect(gateway.services.asked.map(({ subject }) => subject)).toEqual([planningCalls.getMigrationTask.subject]);
  });

  it.each([
    ['pause', planningCalls.pauseMigrationTask, 'PLANNING.TASK_PAUSED'],
    ['resume', planningCalls.resumeMigrationTask, 'PLANNING.TASK_NOT_PAUSED'],
    ['cancel', planningCalls.cancelMigrationTask, 'PLANNING.TOO_LATE_TO_CANCEL'],
    ['withdraw-cancellation', planningCalls.withdrawCancellation, 'PLANNING.TASK_NOT_CANCELLED'],
  ] as const)('%s gives a refusal as the service said it', async (path, call, code) => {
    gateway.services.refuse(call, code);
    const response = await ask('post', `${TASK}/${path}`);
    expect(response.body).toMatchObject({ code, status: 409, remedy: 'Do something else.' });
    expect(gateway.services.askedOf(transferCalls.getReplication)).toEqual([]);
  });

  it('describes itself, and every described route is tested', async () => {
    const response = await request(gateway.url).get('/openapi.json');
    expect(response.status).toBe(200);
    const paths: Record<string, Record<string, { operationId: string }>> = response.body.paths;
    const described = Object.values(paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
    const tested = new Set([...ROUTES.map(({ operation }) => operation), ...ELSEWHERE]);
    expect(described.sort()).toEqual([...tested].sort());
  });

  it('says that it works, without a key', async () => {
    const response = await request(gateway.url).get('/health');
    expect(response.status).toBe(200);
    expect(response.body).toEqual({ status: 'up', nats: 'up' });
  });

  it('sends its standing headers', async () => {
    const { headers } = await request(gateway.url).get('/health');
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'x-correlation-id': expect.stringMatching(UUID),
    });
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).not.toHaveProperty('etag');
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('takes over a correlation id that is a UUID, and no other', async () => {
    gateway.services.on(provisioningCalls.listHciSites, () => ({ sites: [] }));
    const correlationId = '3d8b1c52-9e4f-4a76-8c1d-7e6f5a4b3a10';
    const taken = await ask('get', '/api/v1/hci-sites').set('X-Correlation-Id', correlationId.toUpperCase());
    expect(taken.headers['x-correlation-id']).toBe(correlationId);
    const replaced = await ask('get', '/api/v1/hci-sites').set('X-Correlation-Id', 'my-request');
    expect(replaced.headers['x-correlation-id']).toMatch(UUID);
    expect(gateway.services.asked.map(({ context }) => context.correlationId)).toEqual([
      correlationId,
      replaced.headers['x-correlation-id'],
    ]);
  });

  describe('with an idempotency key', () => {
    const commandIds = (): string[] =>
      gateway.services.askedOf(transferCalls.startSyncRound).map(({ context }) => context.commandId);
    const startRound = (key?: string, path = TASK) => {
      const asked = ask('post', `${path}/rounds`);
      return key === undefined ? asked : asked.set('Idempotency-Key', key);
    };

    beforeEach(() => gateway.services.on(transferCalls.startSyncRound, () => examples.syncRoundRequestedExample));

    it('the same request is the same command', async () => {
      await startRound('nightly');
      await startRound('nightly');
      const [first, second] = commandIds();
      expect(first).toMatch(UUID);
      expect(second).toBe(first);
    });

    it('another key or another path is another command, and none is always a new one', async () => {
      await startRound('one');
      await startRound('two');
      await startRound('one', TASK.replace(taskId, '11111111-1111-4111-8111-111111111111'));
      await startRound();
      await startRound();
      expect(new Set(commandIds()).size).toBe(5);
    });

    it('questions on the way do not take the id of the command', async () => {
      await startRound('nightly');
      const [question] = gateway.services.askedOf(planningCalls.getMigrationTask);
      expect(question?.context.commandId).not.toBe(commandIds()[0]);
      expect(question?.context.causationId).toBe(commandIds()[0]);
    });
  });
});
