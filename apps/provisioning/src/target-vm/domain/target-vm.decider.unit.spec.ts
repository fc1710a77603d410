import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold } from '#libs/eventsourcing';
import {
  DeciderSpec,
  expectFoldToSurviveTheReadModel,
  expectRepeatsToChangeNothing,
  recordCommands,
} from '#libs/testing';
import { targetVms } from '../target-vm.aggregate.js';
import { type TargetVmCommand, type TargetVmEvent, targetVmDecider } from './target-vm.decider.js';

const spec = DeciderSpec.of(targetVmDecider);
const ofVm = {
  targetVmId: '9d4f6172-0001-4000-8000-000000000001',
  taskId: '9d4f6172-0002-4000-8000-000000000002',
} as const;
const restorerId = '9d4f6172-0004-4000-8000-000000000004';
const reference = '/var/lib/landfall/vms/9d4f6172';
const order = {
  ...ofVm,
  siteId: '9d4f6172-0003-4000-8000-000000000003',
  specification: {
    cpuCount: 2,
    memoryBytes: 4_294_967_296,
    firmware: 'uefi',
    provisioning: 'automatic',
    disks: [{ sourceDiskId: 'disk-a', sizeBytes: 42_949_672_960, allocation: 'thin' }],
  },
} as const satisfies Extract<TargetVmCommand, { type: 'RequestTargetVm' }>['order'];
const failure = { code: 'TARGET_VM_FAILED', detail: 'no space', remedy: 'Make room.' };

const requested: TargetVmEvent = {
  type: 'TargetVmRequested',
  data: { ...order, specification: { ...order.specification, disks: [...order.specification.disks] } },
};
const created: TargetVmEvent = { type: 'TargetVmCreated', data: { ...ofVm, reference } };
const ready: TargetVmEvent = { type: 'TargetVmReady', data: { ...ofVm, restorerId } };
const failed: TargetVmEvent = { type: 'TargetVmFailed', data: { ...ofVm, failure } };
const bootRequested: TargetVmEvent = { type: 'TargetVmBootFromDiskRequested', data: ofVm };
const booted: TargetVmEvent = { type: 'TargetVmBootedFromDisk', data: ofVm };

const request: TargetVmCommand = { type: 'RequestTargetVm', order: requested.data };
const noteCreated: TargetVmCommand = { type: 'NoteCreated', reference };
const noteEnrolled: TargetVmCommand = { type: 'NoteRestorerEnrolled', restorerId };
const noteFailed: TargetVmCommand = { type: 'NoteFailed', failure };
const requestBoot: TargetVmCommand = { type: 'RequestBootFromDisk' };
const noteBooted: TargetVmCommand = { type: 'NoteBootedFromDisk' };

const READY = [requested, created, ready];
const BOOTING = [...READY, bootRequested];
const BOOTED = [...BOOTING, booted];

describe('a target VM', () => {
  it('is requested before anything is made', () => {
    spec.given([]).when(request).then([requested]);
  });

  it.each([
    ['it is being made', [requested]],
    ['it is made', [requested, created]],
    ['it is ready', READY],
    ['it boots from its disk', BOOTING],
    ['it runs from its disk', BOOTED],
  ])('is not requested again while %s', (_when, history) => {
    spec.given(history).when(request).thenNothing();
  });

  it('is requested again after it could not be made, and begins anew', () => {
    spec.given([requested, failed]).when(request).then([requested]);
    expect(spec.given([requested, failed, requested]).state).toMatchObject({
      status: 'requested',
      failure: null,
      reference: null,
    });
  });

  it('is made first and ready then, when its restore environment takes its time', () => {
    spec.given([requested]).when(noteCreated).then([created]);
    spec.given([requested, created]).when(noteEnrolled).then([ready]);
    expect(spec.given(READY).state).toMatchObject({ status: 'ready', reference, restorerId });
  });

  it('is ready first and keeps that, with its reference, when the hypervisor answers later', () => {
    spec.given([requested]).when(noteEnrolled).then([ready]);
    spec.given([requested, ready]).when(noteCreated).then([created]);
    expect(spec.given([requested, ready, created]).state).toMatchObject({ status: 'ready', reference, restorerId });
    expect(spec.given([requested, ready, bootRequested, created]).state).toMatchObject({
      status: 'booting-from-disk',
      reference,
    });
  });

  it('is made once, and ready once', () => {
    for (const history of [[requested, created], READY, BOOTED]) spec.given(history).when(noteCreated).thenNothing();
    for (const history of [READY, BOOTING, BOOTED]) spec.given(history).when(noteEnrolled).thenNothing();
  });

  it('has failed when the hypervisor says so before it was made, and is not made any more', () => {
    spec.given([requested]).when(noteFailed).then([failed]);
    expect(spec.given([requested, failed]).state).toMatchObject({ status: 'failed', failure });
    spec.given([requested, failed]).when(noteCreated).thenNothing();
  });

  it.each([
    ['it is made', [requested, created]],
    ['it is ready', [requested, ready]],
    ['it runs from its disk', BOOTED],
  ])('does not fail any more once %s', (_when, history) => {
    spec.given(history).when(noteFailed).thenNothing();
  });
});

describe('booting a target VM from its disk', () => {
  it('is asked for when it is ready, once', () => {
    spec.given(READY).when(requestBoot).then([bootRequested]);
    spec.given(BOOTING).when(requestBoot).thenNothing();
    spec.given(BOOTED).when(requestBoot).thenNothing();
  });

  it.each([
    ['it is not made', [requested]],
    ['it is not ready', [requested, created]],
    ['it could not be made', [requested, failed]],
  ])('is refused while %s', (_when, history) => {
    spec.given(history).when(requestBoot).thenRefused('PROVISIONING.TARGET_VM_NOT_READY');
  });

  it('is done once, and only when it was asked for', () => {
    spec.given(BOOTING).when(noteBooted).then([booted]);
    expect(spec.given(BOOTED).state).toMatchObject({ status: 'booted-from-disk' });
    for (const history of [READY, BOOTED]) spec.given(history).when(noteBooted).thenNothing();
  });

  it('may fail, and is asked for again then', () => {
    spec.given(BOOTING).when(noteFailed).then([failed]);
    expect(spec.given([...BOOTING, failed]).state).toMatchObject({ status: 'failed', failure });
    spec
      .given([...BOOTING, failed])
      .when(requestBoot)
      .then([bootRequested]);
    const again = spec.given([...BOOTING, failed, bootRequested]).state;
    expect(again).toMatchObject({ status: 'booting-from-disk', failure: null, restorerId });
  });
});

it.each([noteCreated, noteEnrolled, noteFailed, requestBoot, noteBooted])(
  'nothing is noted of a target VM that nobody requested: $type',
  (command) => {
    spec.given([]).when(command).thenRefused('PROVISIONING.TARGET_VM_NOT_FOUND');
  },
);

describe('whatever happens to a target VM', () => {
  const commands = fc.array(fc.constantFrom(request, noteCreated, noteEnrolled, noteFailed, requestBoot, noteBooted), {
    maxLength: 15,
  });
  const always = (check: (history: readonly TargetVmEvent[], played: readonly TargetVmCommand[]) => unknown) =>
    fc.assert(
      fc.asyncProperty(commands, async (played) => {
        const { persisted } = await recordCommands(targetVms, played);
        await check(
          persisted.flatMap((stored) => targetVms.codec.decode(stored) ?? []),
          played,
        );
      }),
    );

  it('is never booted from its disk before it was ready', () =>
    always((history) => {
      const boot = history.findIndex(({ type }) => type === 'TargetVmBootFromDiskRequested');
      if (boot !== -1) expect(history.slice(0, boot)).toContainEqual(ready);
    }));

  it('has a reference as soon as the hypervisor has named one', () =>
    always((history) => {
      const last = history.findLast(({ type }) => type === 'TargetVmCreated' || type === 'TargetVmRequested');
      expect(fold(targetVmDecider, history)?.reference ?? null).toBe(
        last?.type === 'TargetVmCreated' ? reference : null,
      );
    }));

  it('has a state that a read model keeps as it is', () =>
    always((history) => expectFoldToSurviveTheReadModel(targetVmDecider, history)));

  it('is not changed by commands that come again', () =>
    always((_history, played) => expectRepeatsToChangeNothing(targetVms, played)));
});
