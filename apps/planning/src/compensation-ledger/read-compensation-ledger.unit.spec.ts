import { beforeEach, describe, expect, it } from 'vitest';
import { PUBLISHED } from '#libs/contracts';
import { type NewEvent, eventIdOf, handleCommand, metadataOf } from '#libs/eventsourcing';
import { InMemoryEventStore, exampleContext, nthContext } from '#libs/testing';
import { migrationTasks } from '../migration-task/migration-task.aggregate.js';
import { FAILURE, ORDER, RESTORER, TASK } from '../migration-task/migration-task.examples.js';
import { readCompensationLedger } from './read-compensation-ledger.js';

const ROUND = 'bf618394-0011-4000-8000-000000000011';
const VM = `targetVm-${ORDER.targetVmId}`;
const REPLICATION = `replication-${TASK}`;
const ENDPOINT = `endpoint-${RESTORER}`;
const ofVm = { targetVmId: ORDER.targetVmId, taskId: TASK };
const ofRound = { taskId: TASK, roundId: ROUND };

let store: InMemoryEventStore;
let count: number;
beforeEach(async () => {
  store = new InMemoryEventStore();
  count = 0;
  await handleCommand(store, migrationTasks, TASK, { type: 'CreateMigrationTask', order: ORDER }, nthContext(0));
});

/** Records an event as its service would. @returns when */
const record = async (stream: string, { stored }: { stored: string }, data: unknown): Promise<string> => {
  count += 1;
  const context = nthContext(count);
  const event: NewEvent = {
    id: eventIdOf(exampleContext().commandId, count),
    storedType: stored,
    data,
    metadata: metadataOf(context, 'someone'),
  };
  await store.append(stream, (await store.readStream(stream)).at(-1)?.revision ?? 'no-stream', [event]);
  return context.now;
};
const requested = () =>
  record(VM, PUBLISHED.targetVmRequested, { ...ofVm, siteId: ORDER.siteId, specification: ORDER.target });
const created = () => record(VM, PUBLISHED.targetVmCreated, { ...ofVm, reference: '/vms/7' });
const ready = () => record(VM, PUBLISHED.targetVmReady, { ...ofVm, restorerId: RESTORER });
const announced = () => record(VM, PUBLISHED.targetVmRemovalRequested, ofVm);
const removed = () => record(VM, PUBLISHED.targetVmRemoved, { ...ofVm, restorerId: RESTORER });
const enrolled = () =>
  record(ENDPOINT, PUBLISHED.endpointEnrolled, {
    endpointId: RESTORER,
    kind: 'restorer',
    name: ORDER.targetVmId,
    credentialHash: 'c',
    enrolmentTokenId: TASK,
    enrolledAt: '2026-03-01T10:00:00.000Z',
  });
const revoked = () => record(ENDPOINT, PUBLISHED.endpointRevoked, { endpointId: RESTORER });
const opened = (attempt: number, port: number, groupsPort?: number) => {
  const at = (served: number) => ({ host: '10.0.0.7', port: served, exportName: 'disk-a' });
  const groups = groupsPort === undefined ? {} : { groupDigests: at(groupsPort) };
  const exports = [{ diskId: 'disk-a', export: at(port), ...groups }];
  return record(REPLICATION, PUBLISHED.exportsOpened, { ...ofRound, attempt, exports });
};

const ledger = () => readCompensationLedger(store, TASK);
const statesOf = async () => (await ledger()).map(({ kind, reference, state }) => `${kind} ${reference}: ${state}`);

describe('what was created outside for a task', () => {
  it('is nothing before anything is asked for', async () => {
    expect(await ledger()).toEqual([]);
  });

  it('is expected from the request on, before anybody has answered, and stays so after a failure', async () => {
    const since = await requested();
    await record(VM, PUBLISHED.targetVmFailed, { ...ofVm, failure: FAILURE });
    await requested();
    expect(await ledger()).toEqual([
      { kind: 'target-vm', reference: ORDER.targetVmId, state: 'expected', since },
      { kind: 'target-disk', reference: 'disk-a', state: 'expected', since },
    ]);
  });

  it('exists under the name that the hypervisor gave it', async () => {
    await requested();
    const since = await created();
    expect(await ledger()).toEqual([
      { kind: 'target-vm', reference: '/vms/7', state: 'exists', since },
      { kind: 'target-disk', reference: 'disk-a', state: 'exists', since },
    ]);
  });

  it('exists, with a credential, when its restore environment has come before the answer of the hypervisor', async () => {
    await requested();
    await enrolled();
    await ready();
    expect(await statesOf()).toEqual([
      `target-vm ${ORDER.targetVmId}: exists`,
      'target-disk disk-a: exists',
      `restorer-credential ${RESTORER}: exists`,
    ]);
  });

  it('knows the credential of a restore environment that nobody waited for', async () => {
    await requested();
    await record(VM, PUBLISHED.targetVmFailed, { ...ofVm, failure: FAILURE });
    await enrolled();
    await record(VM, PUBLISHED.targetVmRestorerEnrolled, { ...ofVm, restorerId: RESTORER });
    expect(await statesOf()).toContain(`restorer-credential ${RESTORER}: exists`);
  });

  it('is announced before it is removed, and its credential goes last', async () => {
    for (const step of [requested, created, enrolled, ready]) await step();
    await announced();
    await record(VM, PUBLISHED.targetVmRemovalFailed, { ...ofVm, failure: FAILURE });
    expect(await statesOf()).toEqual([
      'target-vm /vms/7: removal-announced',
      'target-disk disk-a: removal-announced',
      `restorer-credential ${RESTORER}: exists`,
    ]);
    const since = await removed();
    expect(await ledger()).toEqual([
      { kind: 'target-vm', reference: '/vms/7', state: 'removed', since },
      { kind: 'target-disk', reference: 'disk-a', state: 'removed', since },
      { kind: 'restorer-credential', reference: RESTORER, state: 'removal-announced', since },
    ]);
    await revoked();
    expect((await statesOf()).at(-1)).toBe(`restorer-credential ${RESTORER}: removed`);
  });

  it('exists again when a call that was on its way made it after its removal', async () => {
    await requested();
    await announced();
    await removed();
    await created();
    expect(await statesOf()).toContain('target-vm /vms/7: exists');
    await announced();
    expect(await statesOf()).toContain('target-vm /vms/7: removal-announced');
  });

  it('is nothing when a task ended before its target VM was asked for', async () => {
    await record(VM, PUBLISHED.targetVmRemoved, { ...ofVm, restorerId: null });
    expect(await ledger()).toEqual([]);
  });

  it('is not told for a task that does not exist', async () => {
    await expect(readCompensationLedger(store, ORDER.siteId)).rejects.toMatchObject({
      code: 'PLANNING.TASK_NOT_FOUND',
    });
  });
});

describe('an export of a target disk', () => {
  it.each([
    ['its round is complete', PUBLISHED.syncRoundCompleted],
    ['its round has failed', PUBLISHED.syncRoundFailed],
    ['its link is lost', PUBLISHED.linkLost],
    ['its task is paused', PUBLISHED.replicationPaused],
  ])('exists until %s', async (_when, end) => {
    await opened(1, 10_809);
    expect(await statesOf()).toEqual(['nbd-export 10.0.0.7:10809: exists']);
    await record(REPLICATION, end, ofRound);
    expect(await statesOf()).toEqual(['nbd-export 10.0.0.7:10809: removed']);
  });

  it('is followed by that of the next attempt, so that the list stays short', async () => {
    await opened(1, 10_809);
    await opened(2, 10_810);
    expect(await statesOf()).toEqual(['nbd-export 10.0.0.7:10810: exists']);
  });

  it('is one of two when the disk is repaired', async () => {
    await opened(1, 10_809, 10_810);
    const states = (state: string) => [10_809, 10_810].map((port) => `nbd-export 10.0.0.7:${port}: ${state}`);
    expect(await statesOf()).toEqual(states('exists'));
    await record(REPLICATION, PUBLISHED.syncRoundCompleted, ofRound);
    expect(await statesOf()).toEqual(states('removed'));
  });

  it('is gone with its machine', async () => {
    await requested();
    await opened(1, 10_809);
    await removed();
    expect(await statesOf()).toContain('nbd-export 10.0.0.7:10809: removed');
  });
});
