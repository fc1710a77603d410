import { afterEach, expect, it } from 'vitest';
import { type HealthReport, serveHealth } from './health.js';

const UP: HealthReport = { status: 'up', database: 'up', readers: [{ name: 'tasks', fault: null }] };
let served: Awaited<ReturnType<typeof serveHealth>>;
const ask = (path = '/health', method = 'GET') => fetch(`http://127.0.0.1:${served.port}${path}`, { method });
afterEach(() => served.close());

it('says 200 when everything is up and 503 when something is not, with the same document', async () => {
  let report = UP;
  served = await serveHealth('127.0.0.1', 0, async () => report);
  const up = await ask();
  expect([up.status, await up.json()]).toEqual([200, UP]);
  report = { status: 'degraded', database: 'down', readers: [{ name: 'tasks', fault: 'no table' }] };
  const down = await ask();
  expect([down.status, await down.json()]).toEqual([503, report]);
});

it('says 503 when nobody can tell, and knows no other path and method', async () => {
  served = await serveHealth('127.0.0.1', 0, async () => Promise.reject(new Error('no')));
  expect((await ask()).status).toBe(503);
  expect((await ask('/')).status).toBe(404);
  expect((await ask('/health', 'POST')).status).toBe(404);
});
