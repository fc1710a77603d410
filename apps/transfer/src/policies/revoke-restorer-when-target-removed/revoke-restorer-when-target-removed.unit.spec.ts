import { beforeEach, expect, it } from 'vitest';
import { PUBLISHED } from '#libs/contracts';
import { type PersistedEvent, handleCommand, load, metadataOf } from '#libs/eventsourcing';
import { InMemoryEventStore, exampleContext } from '#libs/testing';
import { endpoints } from '../../endpoint/endpoint.aggregate.js';
import { ENDPOINT, IDENTITY } from '../../endpoint/endpoint.examples.js';
import { revokeRestorerWhenTargetRemoved } from './revoke-restorer-when-target-removed.js';

const targetVmId = 'f3a52738-0001-4000-8000-000000000001';
const taskId = 'f3a52738-0003-4000-8000-000000000003';

let store: InMemoryEventStore;
beforeEach(async () => {
  store = new InMemoryEventStore();
  const enrol = { type: 'EnrolEndpoint', ...IDENTITY, kind: 'restorer' } as const;
  await handleCommand(store, endpoints, ENDPOINT, enrol, exampleContext());
});

const removed = (restorerId: string | null, storedType: string = PUBLISHED.targetVmRemoved.stored): PersistedEvent => ({
  id: 'f3a52738-0009-4000-8000-000000000009',
  streamName: `targetVm-${targetVmId}`,
  revision: 7n,
  position: 9n,
  storedType,
  data: { targetVmId, taskId, restorerId },
  metadata: metadataOf(exampleContext({ correlationId: taskId }), 'provisioning'),
});
const react = (event: PersistedEvent) => revokeRestorerWhenTargetRemoved(store).react(event);
const history = () => store.readStream(`endpoint-${ENDPOINT}`);

it('the restore environment of a target VM that was removed is revoked, once, as part of the history of the task', async () => {
  await react(removed(ENDPOINT));
  await react(removed(ENDPOINT));
  expect((await load(store, endpoints, ENDPOINT)).state?.revokedAt).not.toBeNull();
  const events = await history();
  expect(events.map(({ storedType }) => storedType).slice(1)).toEqual(['transfer.endpoint-revoked.v1']);
  expect(events[1]?.metadata).toMatchObject({
    correlationId: taskId,
    causationId: removed(ENDPOINT).id,
    actor: 'service:transfer',
  });
});

it('a target VM that never had one, and other events of target VMs, revoke nothing', async () => {
  await react(removed(null));
  await react(removed(ENDPOINT, PUBLISHED.targetVmRemovalRequested.stored));
  expect(await history()).toHaveLength(1);
});

it('one that is not known here is refused, which the reader passes over', async () => {
  await expect(react(removed(taskId))).rejects.toMatchObject({ code: 'TRANSFER.SOURCE_NOT_ENROLLED' });
});
