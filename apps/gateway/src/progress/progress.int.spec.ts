import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import {
  type EndpointProgress,
  type MigrationTaskView,
  cutoverCalls,
  endpointProgress,
  planningCalls,
  progressSubject,
  transferCalls,
} from '#libs/contracts';
import { ServiceBus } from '#libs/messaging';
import { type EventSource, openEventSource } from '../../../../test/e2e/gateway-rest/event-source.js';
import { type GatewayUnderTest, startGateway } from '../../../../test/e2e/gateway-rest/gateway-under-test.js';
import { until } from '../../../../test/e2e/gateway-rest/until.js';
import { apiKeyEntry } from '../authentication/api-keys.js';
import { createGateway } from '../create-gateway.js';
import { migrationTaskExample, taskDocumentExample } from '../openapi/examples.js';
import { MAX_LISTENERS, ProgressStreams } from './progress-streams.js';
import { TaskWatches } from './task-watches.js';

const KEY = 'key-of-alice-for-tests-only';
const { taskId } = migrationTaskExample;
const { replication, cutover } = taskDocumentExample;

let gateway: GatewayUnderTest;
let transfer: ServiceBus;
let task: MigrationTaskView;
const streams = () => gateway.application.get(ProgressStreams);
const watches = () => gateway.application.get(TaskWatches);

const follow = (id = taskId): Promise<EventSource> =>
  openEventSource(`${gateway.url}/api/v1/migration-tasks/${id}/progress`, KEY);

const progress = (sentBytes: number, activity: EndpointProgress['activity'] = 'transferring'): EndpointProgress => ({
  taskId,
  assignmentId: '7b0c7a52-0e5b-4f59-9f0e-3f4d2a1b0c11',
  at: '2026-03-02T09:13:00.000Z',
  activity,
  disks: [
    {
      diskId: 'WD-4C530001',
      diskBytes: 107_374_182_400,
      plannedBytes: 53_687_091_200,
      processedBytes: sentBytes,
      sentBytes,
      acknowledgedBytes: 0,
    },
  ],
});

/** Telemetry may be lost before the gateway listens, so it is sent until it arrives. */
const tellUntilSeen = async (source: EventSource, told: EndpointProgress): Promise<void> => {
  await until('progress to arrive', () => {
    transfer.publishNews(progressSubject(taskId), told);
    return source.events.some(
      ({ event, data }) => event === 'progress' && JSON.stringify(data) === JSON.stringify(told),
    );
  });
};

beforeAll(async () => {
  gateway = await startGateway(createGateway, [apiKeyEntry('alice', KEY)]);
  transfer = new ServiceBus(gateway.nats.url, 'transfer');
  await transfer.connect();
});
afterAll(async () => {
  await transfer.close();
  await gateway.close();
});
beforeEach(() => {
  gateway.services.forget();
  task = migrationTaskExample;
  gateway.services.on(planningCalls.getMigrationTask, () => task);
  gateway.services.on(transferCalls.getReplication, () => replication);
  gateway.services.on(cutoverCalls.getCutover, () => cutover);
});

it('begins with a snapshot, tells changes and telemetry, and ends when the task has completed', async () => {
  const source = await follow();
  expect(source.response.headers.get('content-type')).toBe('text/event-stream');
  await until('the snapshot', () => source.events.length > 0);
  expect(source.events).toEqual([{ event: 'snapshot', data: { task, replication, cutover } }]);

  await tellUntilSeen(source, progress(1_000_000));
  transfer.publishNews(progressSubject(taskId), { not: 'progress' });
  transfer.publishNews(progressSubject(randomUUID()), progress(7));
  await tellUntilSeen(source, progress(2_000_000));
  const ofTelemetry = source.events.filter(({ event }) => event === 'progress');
  expect(new Set(ofTelemetry.map(({ data }) => JSON.stringify(data)))).toEqual(
    new Set([progress(1_000_000), progress(2_000_000)].map((each) => JSON.stringify(each))),
  );

  const looks = gateway.services.askedOf(planningCalls.getMigrationTask).length;
  await until('two more looks', () => gateway.services.askedOf(planningCalls.getMigrationTask).length > looks + 1);
  expect(source.events.filter(({ event }) => event === 'task')).toEqual([]);

  task = { ...migrationTaskExample, phase: 'final-sync', step: 'Final synchronization' };
  await until('the change', () => source.events.some(({ event }) => event === 'task'));
  expect(source.events.at(-1)).toEqual({ event: 'task', data: { task, replication, cutover } });

  task = { ...task, status: 'completed', completedAt: '2026-03-02T20:10:00.000Z' };
  await source.ended;
  expect(source.events.at(-1)).toEqual({ event: 'task', data: { task, replication, cutover } });
  expect(source.events.filter(({ event }) => event === 'task')).toHaveLength(2);
  await until('nobody to be counted', () => streams().listeners === 0 && watches().count === 0);
});

it.each(endpointProgress.shape.activity.options)('tells of an end that is %s', async (activity) => {
  const source = await follow();
  await tellUntilSeen(source, progress(1_000_000, activity));
  source.close();
  await until('nobody to listen', () => streams().listeners === 0);
});

it.each(['paused', 'halted', 'cancelling', 'cleaning-up'] as const)('goes on for a task that is %s', async (status) => {
  task = { ...migrationTaskExample, status };
  const source = await follow();
  await tellUntilSeen(source, progress(1_000_000));
  task = { ...task, status: 'cancelled' };
  await source.ended;
  expect(source.events.at(-1)).toEqual({ event: 'task', data: { task, replication, cutover } });
});

it.each(['completed', 'cancelled'] as const)('is a snapshot and its end for a task that is %s', async (status) => {
  task = { ...migrationTaskExample, status };
  const source = await follow();
  await source.ended;
  expect(source.events.map(({ event }) => event)).toEqual(['snapshot']);
});

it('goes on after services were away for a moment', async () => {
  const source = await follow();
  await until('the snapshot', () => source.events.length > 0);
  gateway.services.refuse(planningCalls.getMigrationTask, 'SERVICE.INTERNAL');
  const looks = gateway.services.askedOf(planningCalls.getMigrationTask).length;
  await until('a look in vain', () => gateway.services.askedOf(planningCalls.getMigrationTask).length > looks);
  task = { ...migrationTaskExample, phase: 'verify' };
  gateway.services.on(planningCalls.getMigrationTask, () => task);
  await until('the change', () => source.events.some(({ event }) => event === 'task'));
  source.close();
});

it('is a problem, not a stream, for an unknown task', async () => {
  gateway.services.refuse(planningCalls.getMigrationTask, 'PLANNING.TASK_NOT_FOUND');
  const { response } = await follow();
  expect(response.status).toBe(404);
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
});

it('looks once for all who listen to a task, and not at all when nobody does', async () => {
  const sources = await Promise.all([follow(), follow(), follow()]);
  await until('all to listen', () => streams().listeners === 3);
  expect(watches().count).toBe(1);
  const first = gateway.services.askedOf(planningCalls.getMigrationTask).length;
  await until('two looks', () => gateway.services.askedOf(planningCalls.getMigrationTask).length >= first + 2);
  for (const source of sources) source.close();
  await until('nobody to listen', () => streams().listeners === 0);
  expect(watches().count).toBe(0);
});

it('has room for so many, and for others when they leave', async () => {
  const sources = await Promise.all(Array.from({ length: MAX_LISTENERS }, () => follow()));
  await until('all to listen', () => streams().listeners === MAX_LISTENERS);
  const refused = await follow();
  expect(refused.response.status).toBe(503);
  expect(refused.response.headers.get('retry-after')).toBe('2');
  expect(refused.response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  sources[0]?.close();
  await until('room', () => streams().listeners < MAX_LISTENERS);
  const late = await follow();
  expect(late.response.status).toBe(200);
  for (const source of [...sources, late]) source.close();
  await until('nobody to listen', () => streams().listeners === 0);
});

it('ends when the gateway stops', async () => {
  const source = await follow();
  await until('the snapshot', () => source.events.length > 0);
  await gateway.application.close();
  await source.ended;
  await expect(follow()).rejects.toThrow();
});
