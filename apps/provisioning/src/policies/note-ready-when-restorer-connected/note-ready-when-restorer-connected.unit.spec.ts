import { beforeEach, expect, it } from 'vitest';
import { type EndpointKind, PUBLISHED } from '#libs/contracts';
import { type PersistedEvent, handleCommand, load, metadataOf } from '#libs/eventsourcing';
import { InMemoryEventStore, exampleContext } from '#libs/testing';
import { targetVms } from '../../target-vm/target-vm.aggregate.js';
import { noteReadyWhenRestorerConnected } from './note-ready-when-restorer-connected.js';

const targetVmId = 'f3a52738-0001-4000-8000-000000000001';
const endpointId = 'f3a52738-0002-4000-8000-000000000002';
const taskId = 'f3a52738-0003-4000-8000-000000000003';

let store: InMemoryEventStore;
beforeEach(async () => {
  store = new InMemoryEventStore();
  const specification = {
    cpuCount: 1,
    memoryBytes: 1_073_741_824,
    firmware: 'bios',
    provisioning: 'automatic',
    disks: [],
  } as const;
  const order = { targetVmId, taskId, siteId: endpointId, specification: { ...specification, disks: [] } };
  await handleCommand(store, targetVms, targetVmId, { type: 'RequestTargetVm', order }, exampleContext());
});

const enrolled = (kind: EndpointKind, name: string): PersistedEvent => ({
  id: 'f3a52738-0009-4000-8000-000000000009',
  streamName: `endpoint-${endpointId}`,
  revision: 0n,
  position: 9n,
  storedType: PUBLISHED.endpointEnrolled.stored,
  data: {
    endpointId,
    kind,
    name,
    credentialHash: 'c',
    enrolmentTokenId: taskId,
    enrolledAt: '2026-03-01T10:00:00.000Z',
  },
  metadata: metadataOf(exampleContext(), 'transfer'),
});
const connected = (from: { kind?: EndpointKind; name?: string }): PersistedEvent => ({
  ...enrolled('restorer', targetVmId),
  id: 'f3a52738-0010-4000-8000-000000000010',
  storedType: PUBLISHED.endpointConnected.stored,
  data: { endpointId, connectionId: taskId, software: 'landfall-restorer 0.1.0', ...from },
});
const react = (event: PersistedEvent) => noteReadyWhenRestorerConnected(store).react(event);
const vm = async () => (await load(store, targetVms, targetVmId)).state;

it('a target VM knows its restore environment once it has enrolled under its name, which is noted once', async () => {
  await react(enrolled('restorer', targetVmId));
  await react(enrolled('restorer', targetVmId));
  expect(await vm()).toMatchObject({ status: 'requested', restorerId: endpointId });
  expect(await store.readStream(`targetVm-${targetVmId}`)).toHaveLength(2);
});

it('is ready once its restore environment has connected', async () => {
  await react(enrolled('restorer', targetVmId));
  await react(connected({ kind: 'restorer', name: targetVmId }));
  expect(await vm()).toMatchObject({ status: 'ready', restorerId: endpointId });
  const [, ...noted] = await store.readStream(`targetVm-${targetVmId}`);
  expect(noted.map(({ metadata }) => metadata.correlationId)).toEqual([taskId, taskId]);
});

it('takes no notice of a connection of another end, nor of one that an earlier version noted without a name', async () => {
  await react(connected({ kind: 'agent', name: targetVmId }));
  await react(connected({}));
  expect(await vm()).toMatchObject({ status: 'requested', restorerId: null });
});

it('an agent is no restore environment, whatever its name, and other events are no enrolment', async () => {
  await react(enrolled('agent', targetVmId));
  await react({ ...enrolled('restorer', targetVmId), storedType: 'transfer.endpoint-disconnected.v1' });
  expect(await vm()).toMatchObject({ status: 'requested' });
});

it('a restore environment of no VM is refused, which its reader passes over', async () => {
  await expect(react(enrolled('restorer', endpointId))).rejects.toMatchObject({
    code: 'PROVISIONING.TARGET_VM_NOT_FOUND',
  });
});
