import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { DATA_SEEN, type EndpointProgress } from '#libs/contracts';
import { ServiceBus } from '#libs/messaging';
import { until } from '#libs/testing';
import { DataSeen } from './data-seen.js';

const buses = [new ServiceBus(inject('natsUrl'), 'transfer'), new ServiceBus(inject('natsUrl'), 'transfer')] as const;
const [here, elsewhere] = [new DataSeen(buses[0]), new DataSeen(buses[1])] as const;
beforeAll(async () => {
  await Promise.all(buses.map((bus) => bus.connect()));
  await Promise.all([here, elsewhere].map((replica) => replica.onApplicationBootstrap()));
});
afterAll(async () => {
  for (const replica of [here, elsewhere]) replica.beforeApplicationShutdown();
  await Promise.all(buses.map((bus) => bus.close()));
});

const at = (second: number) => new Date(Date.UTC(2026, 2, 1, 10, 0, second));
const serving = (taskId: string, processedBytes: number, assignmentId = taskId): EndpointProgress => ({
  taskId,
  assignmentId,
  at: at(0).toISOString(),
  activity: 'serving',
  disks: [{ diskId: 'a', diskBytes: 9, plannedBytes: 9, processedBytes, sentBytes: 0, acknowledgedBytes: 0 }],
});

it('data that reaches a target is known to every replica, as of when it was last seen', async () => {
  const taskId = randomUUID();
  here.observe(serving(taskId, 5), at(1));
  expect(here.newestOf(taskId)).toBeNull();
  here.observe(serving(taskId, 6), at(2));
  expect(here.newestOf(taskId)).toBe(at(2).toISOString());
  await until('the news', () => elsewhere.newestOf(taskId) === at(2).toISOString());
  here.observe(serving(taskId, 6), at(3));
  expect(here.newestOf(taskId)).toBe(at(2).toISOString());
  here.observe(serving(taskId, 7), at(4));
  await until('more news', () => elsewhere.newestOf(taskId) === at(4).toISOString());
});

it('news that are late, or no news, change nothing', async () => {
  const [taskId, last] = [randomUUID(), randomUUID()];
  const news = (payload: unknown): void => buses[0].publishNews(DATA_SEEN, payload);
  news({ taskId, at: at(5).toISOString() });
  news({ taskId, at: at(4).toISOString() });
  news({ taskId, at: 'later' });
  news({ taskId: 'all', at: at(9).toISOString() });
  news(null);
  news({ taskId: last, at: at(1).toISOString() });
  await until('the last of the news', () => elsewhere.newestOf(last));
  expect(elsewhere.newestOf(taskId)).toBe(at(5).toISOString());
  expect(elsewhere.newestOf('all')).toBeNull();
});
