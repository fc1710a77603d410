import { expect, it } from 'vitest';
import { DeciderSpec, expectFoldToSurviveTheReadModel, expectRepeatsToChangeNothing } from '#libs/testing';
import { hciSites } from '../hci-site.aggregate.js';
import { type HciSiteEvent, hciSiteDecider } from './hci-site.decider.js';

const spec = DeciderSpec.of(hciSiteDecider);
const site = {
  siteId: '8c3e5061-0001-4000-8000-000000000001',
  name: 'Rack 2',
  driver: 'local-process',
  version: '1.0',
} as const;
const register = { type: 'RegisterHciSite', site } as const;
const registered: HciSiteEvent = {
  type: 'HciSiteRegistered',
  data: { ...site, registeredAt: '2026-03-01T10:00:00.000Z' },
};

it('a site is registered with the time of the command', () => {
  spec.given([]).when(register, { now: '2026-03-01T10:00:00.000Z' }).then([registered]);
  expect(spec.given([registered]).state).toEqual(registered.data);
});

it('a second site of the same name is refused, with the first one named', () => {
  const other = { type: 'RegisterHciSite', site: { ...site, version: '2.0' } } as const;
  spec.given([registered]).when(other).thenRefused('PROVISIONING.SITE_NAME_TAKEN');
  expect(() => spec.given([registered]).when(other).events).toThrow(
    expect.objectContaining({ remedy: expect.stringContaining(site.siteId) }),
  );
});

it('the same registration again changes nothing, and its state survives a read model', async () => {
  await expectRepeatsToChangeNothing(hciSites, [register, register]);
  expectFoldToSurviveTheReadModel(hciSiteDecider, [registered]);
});
