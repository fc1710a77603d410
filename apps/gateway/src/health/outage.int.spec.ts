import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { provisioningCalls } from '#libs/contracts';
import { type GatewayUnderTest, startGateway } from '../../../../test/e2e/gateway-rest/gateway-under-test.js';
import { until } from '../../../../test/e2e/gateway-rest/until.js';
import { apiKeyEntry } from '../authentication/api-keys.js';
import { createGateway } from '../create-gateway.js';

const KEY = 'key-of-alice-for-tests-only';
let gateway: GatewayUnderTest;
const listSites = () => request(gateway.url).get('/api/v1/hci-sites').set('Authorization', `Bearer ${KEY}`);
const health = () => request(gateway.url).get('/health');

beforeAll(async () => {
  gateway = await startGateway(createGateway, [apiKeyEntry('alice', KEY)]);
  gateway.services.on(provisioningCalls.listHciSites, () => ({ sites: [] }));
});
afterAll(() => gateway.close());

it('says so while NATS is away, and works again when it is back', async () => {
  expect((await listSites()).status).toBe(200);

  await gateway.nats.pause();
  await until('the gateway to miss NATS', async () => (await health()).status === 503);
  expect((await health()).body).toEqual({ status: 'degraded', nats: 'down' });
  const refused = await listSites();
  expect(refused.status).toBe(503);
  expect(refused.headers['retry-after']).toBe('2');
  expect(refused.body).toMatchObject({ code: 'SERVICE.UNAVAILABLE', status: 503 });
  expect(refused.text).not.toMatch(/Connection lost/);

  gateway.nats.resume();
  await until('NATS to answer', async () => (await health()).status === 200);
  await until('the services to answer', async () => (await listSites()).status === 200);
});

it('says so when a service is away', async () => {
  await gateway.services.stop();
  const refused = await listSites();
  expect(refused.status).toBe(503);
  expect(refused.body).toMatchObject({ code: 'SERVICE.UNAVAILABLE' });
  expect((await health()).status).toBe(200);
});
