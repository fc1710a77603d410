import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold } from '#libs/eventsourcing';
import {
  DeciderSpec,
  exampleContext,
  expectFoldToSurviveTheReadModel,
  expectRepeatsToChangeNothing,
  recordCommands,
} from '#libs/testing';
import { targetVms } from '../target-vm.aggregate.js';
import type { TargetVmCommand } from './target-vm.commands.js';
import { targetVmDecider } from './target-vm.decider.js';
import type { TargetVmEvent } from './target-vm.events.js';

const spec = DeciderSpec.of(targetVmDecider);
const ofVm = {
  targetVmId: '9d4f6172-0001-4000-8000-000000000001',
  taskId: '9d4f6172-0002-4000-8000-000000000002',
} as const;
const restorerId = '9d4f6172-0004-4000-8000-000000000004';
/** The moment at which the commands of these specs are handled. */
const ENROL_BY = exampleContext().now;
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
const created: TargetVmEvent = { type: 'TargetVmCreated', data: { ...ofVm, reference, enrolBy: ENROL_BY } };
const ready: TargetVmEvent = { type: 'TargetVmReady', data: { ...ofVm, restorerId } };
const failed: TargetVmEvent = { type: 'TargetVmFailed', data: { ...ofVm, failure } };
const bootRequested: TargetVmEvent = { type: 'TargetVmBootFromDiskRequested', data: ofVm };
const booted: TargetVmEvent = { type: 'TargetVmBootedFromDisk', data: ofVm };

const request: TargetVmCommand = { type: 'RequestTargetVm', order: requested.data };
const enrolled: TargetVmEvent = { type: 'TargetVmRestorerEnrolled', data: { ...ofVm, restorerId } };
const connected: TargetVmEvent = { type: 'TargetVmRestorerConnected', data: { ...ofVm, restorerId } };
const removalRequested: TargetVmEvent = { type: 'TargetVmRemovalRequested', data: ofVm };
const removalFailed: TargetVmEvent = { type: 'TargetVmRemovalFailed', data: { ...ofVm, failure } };
const removedWith = (id: string | null): TargetVmEvent => ({
  type: 'TargetVmRemoved',
  data: { ...ofVm, restorerId: id },
});

const noteCreated: TargetVmCommand = { type: 'NoteCreated', reference, isEnrolled: false, enrolBy: ENROL_BY };
const noteStarted: TargetVmCommand = { type: 'NoteCreated', reference, isEnrolled: true, enrolBy: ENROL_BY };
const requestRemoval: TargetVmCommand = { type: 'RequestRemoval', ...ofVm };
const noteRemoved = (named: string | null): TargetVmCommand => ({ type: 'NoteRemoved', reference: named });
const noteRemovalFailed: TargetVmCommand = { type: 'NoteRemovalFailed', failure };
const noteEnrolled: TargetVmCommand = { type: 'NoteRestorerEnrolled', restorerId };
const noteConnected: TargetVmCommand = { type: 'NoteRestorerConnected', restorerId };
const noteFailed: TargetVmCommand = { type: 'NoteFailed', failure };
const requestBoot: TargetVmCommand = { type: 'RequestBootFromDisk' };
const noteBooted: TargetVmCommand = { type: 'NoteBootedFromDisk' };

const READY = [requested, created, enrolled, ready];
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
    spec.given([requested, created]).when(noteEnrolled).then([enrolled]);
    expect(spec.given([requested, created, enrolled]).state).toMatchObject({ status: 'created', restorerId });
    spec.given([requested, created, enrolled]).when(noteConnected).then([ready]);
    expect(spec.given(READY).state).toMatchObject({ status: 'ready', reference, restorerId });
  });

  it('is ready first and keeps that, with its reference, when the hypervisor answers later', () => {
    spec.given([requested]).when(noteConnected).then([ready]);
    spec.given([requested, ready]).when(noteCreated).then([created]);
    expect(spec.given([requested, ready, created]).state).toMatchObject({ status: 'ready', reference, restorerId });
    expect(spec.given([requested, ready, bootRequested, created]).state).toMatchObject({
      status: 'booting-from-disk',
      reference,
    });
  });

  it('is made once, and ready once', () => {
    for (const history of [[requested, created], READY, BOOTED]) spec.given(history).when(noteCreated).thenNothing();
    for (const history of [READY, BOOTING, BOOTED]) {
      for (const command of [noteEnrolled, noteConnected]) spec.given(history).when(command).thenNothing();
    }
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

describe('a restore environment that comes while nobody waits for it', () => {
  const ENROLLED = [requested, failed, enrolled];
  const FAILED = [...ENROLLED, connected];

  it('after a failure is remembered, once, and the machine is not ready by it', () => {
    spec.given([requested, failed]).when(noteEnrolled).then([enrolled]);
    expect(spec.given(FAILED).state).toMatchObject({ status: 'failed', failure, restorerId });
    spec.given(ENROLLED).when(noteEnrolled).thenNothing();
    spec.given(ENROLLED).when(noteConnected).then([connected]);
    for (const command of [noteEnrolled, noteConnected]) spec.given(FAILED).when(command).thenNothing();
    spec.given(FAILED).when(requestBoot).thenRefused('PROVISIONING.TARGET_VM_NOT_READY');
  });

  it('makes the machine ready as soon as it is started again, for it need not connect once more', () => {
    const started = spec.given([...FAILED, requested]).when(noteStarted);
    started.then([created, ready]);
    expect(started.state).toMatchObject({ status: 'ready', reference, restorerId, failure: null });
  });

  it('has to connect before the machine is ready: its credential may have been lost', () => {
    const started = spec.given([...ENROLLED, requested]).when(noteStarted);
    started.then([created]);
    spec
      .given([...ENROLLED, requested, created])
      .when(noteConnected)
      .then([ready]);
  });

  it('is not taken for the one that is started with a token of its own, and has yet to enrol', () => {
    const other = { ...ofVm, restorerId: '9d4f6172-0005-4000-8000-000000000005' };
    spec
      .given([...FAILED, requested])
      .when(noteCreated)
      .then([created]);
    spec
      .given([...FAILED, requested, created])
      .when({ ...noteEnrolled, restorerId: other.restorerId })
      .then([{ type: 'TargetVmRestorerEnrolled', data: other }]);
    expect(
      spec.given([...FAILED, requested, created, { type: 'TargetVmRestorerEnrolled', data: other }]).state,
    ).toMatchObject({ restorerId: other.restorerId, hasConnected: false });
  });

  it('is waited for when nobody has heard of it yet', () => {
    spec.given([requested]).when(noteStarted).then([created]);
  });

  it('is part of what is removed', () => {
    spec
      .given([...FAILED, removalRequested])
      .when(noteRemoved(null))
      .then([removedWith(restorerId)]);
  });
});

describe('the removal of a target VM', () => {
  it.each<[string, TargetVmEvent[]]>([
    ['is asked for', [requested]],
    ['is made', [requested, created]],
    ['is ready', READY],
    ['could not be made', [requested, failed]],
  ])('is announced before it is carried out, once, of one that %s', (_how, history) => {
    spec.given(history).when(requestRemoval).then([removalRequested]);
    spec
      .given([...history, removalRequested])
      .when(requestRemoval)
      .thenNothing();
  });

  it('ends with the name of the restore environment that must not come back', () => {
    spec
      .given([...READY, removalRequested])
      .when(noteRemoved(reference))
      .then([removedWith(restorerId)]);
    spec
      .given([requested, removalRequested])
      .when(noteRemoved(null))
      .then([removedWith(null)]);
    expect(spec.given([...READY, removalRequested, removedWith(restorerId)]).state).toMatchObject({
      status: 'removed',
    });
  });

  it('is over at once for one that nobody asked for, so that a request on its way comes too late', () => {
    spec
      .given([])
      .when(requestRemoval)
      .then([removedWith(null)]);
    spec
      .given([removedWith(null)])
      .when(requestRemoval)
      .thenNothing();
    for (const command of [
      request,
      noteCreated,
      noteEnrolled,
      noteConnected,
      noteFailed,
      requestBoot,
      noteRemoved(null),
    ]) {
      spec
        .given([removedWith(null)])
        .when(command)
        .thenRefused('PROVISIONING.TARGET_VM_REMOVED');
    }
  });

  it.each<[string, TargetVmEvent[]]>([
    ['is announced', [...READY, removalRequested]],
    ['is over', [...READY, removalRequested, removedWith(restorerId)]],
  ])('lets nothing be made or booted any more when it %s', (_when, history) => {
    for (const command of [request, requestBoot]) {
      spec.given(history).when(command).thenRefused('PROVISIONING.TARGET_VM_REMOVED');
    }
    for (const command of [noteFailed, noteBooted, noteEnrolled, noteConnected]) {
      spec.given(history).when(command).thenNothing();
    }
  });

  it.each<[string, TargetVmEvent[]]>([
    ['boots from its disk', BOOTING],
    ['runs from its disk', BOOTED],
    ['may have been booted though that failed', [...BOOTING, failed]],
    ['may have been booted before it was asked for again', [...BOOTING, failed, requested]],
  ])('is refused for one that %s', (_how, history) => {
    spec.given(history).when(requestRemoval).thenRefused('PROVISIONING.TARGET_VM_IN_PRODUCTION');
  });

  it('may fail, which is shown, and is announced again when it is asked for again', () => {
    const history = [...READY, removalRequested, removalFailed];
    spec
      .given([...READY, removalRequested])
      .when(noteRemovalFailed)
      .then([removalFailed]);
    expect(spec.given(history).state).toMatchObject({ status: 'removing', failure });
    spec.given(history).when(noteRemovalFailed).thenNothing();
    spec.given(history).when(requestRemoval).then([removalRequested]);
    expect(spec.given([...history, removalRequested]).state).toMatchObject({ status: 'removing', failure: null });
  });

  it('begins anew when the hypervisor names the machine while it is being removed', () => {
    const history = [requested, removalRequested];
    spec.given(history).when(noteCreated).then([created]);
    spec
      .given([...history, created])
      .when(noteRemoved(null))
      .then([removalRequested]);
    spec
      .given([...history, created, removalRequested])
      .when(noteRemoved(reference))
      .then([removedWith(null)]);
  });

  it('begins anew when the hypervisor names the machine after it was removed', () => {
    const history = [requested, removalRequested, removedWith(null)];
    const named = spec.given(history).when(noteCreated);
    named.then([created, removalRequested]);
    expect(named.state).toMatchObject({ status: 'removing', reference });
  });

  it('takes a restore environment with it that enrols meanwhile, or afterwards', () => {
    spec.given([requested, removalRequested]).when(noteEnrolled).then([enrolled]);
    const removed = [requested, removalRequested, removedWith(null)];
    spec
      .given(removed)
      .when(noteEnrolled)
      .then([removedWith(restorerId)]);
    spec
      .given([...removed, removedWith(restorerId)])
      .when(noteEnrolled)
      .thenNothing();
  });
});

it.each([
  noteCreated,
  noteEnrolled,
  noteConnected,
  noteFailed,
  requestBoot,
  noteBooted,
  noteRemoved(null),
  noteRemovalFailed,
])('nothing is noted of a target VM that nobody requested: $type', (command) => {
  spec.given([]).when(command).thenRefused('PROVISIONING.TARGET_VM_NOT_FOUND');
});

describe('whatever happens to a target VM', () => {
  const moves = [request, noteCreated, noteStarted, noteEnrolled, noteConnected, noteFailed, requestBoot, noteBooted];
  const removals = [requestRemoval, noteRemoved(null), noteRemoved(reference), noteRemovalFailed];
  const commands = fc.array(
    fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...moves) }, fc.constantFrom(...removals)),
    {
      maxLength: 20,
    },
  );
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
      const state = fold(targetVmDecider, history);
      const named = state === null || state.status === 'never-made' ? null : state.reference;
      expect(named).toBe(last?.type === 'TargetVmCreated' ? reference : null);
    }));

  it('is never removed without a word before, nor once it was booted from its disk', () =>
    always((history) => {
      history.forEach((event, index) => {
        const before = history.slice(0, index).map(({ type }) => type);
        if (event.type === 'TargetVmRemoved' && index > 0 && before[0] !== 'TargetVmRemoved') {
          expect(before).toContain('TargetVmRemovalRequested');
        }
        if (event.type.includes('Remov')) expect(before).not.toContain('TargetVmBootFromDiskRequested');
      });
    }));

  it('is neither made nor booted any more once its removal is announced', () =>
    always((history) => {
      const end = history.findIndex(({ type }) => type === 'TargetVmRemovalRequested' || type === 'TargetVmRemoved');
      const after = end === -1 ? [] : history.slice(end).map(({ type }) => type);
      expect(after.filter((type) => type.endsWith('Requested') && type !== 'TargetVmRemovalRequested')).toEqual([]);
      expect(after.filter((type) => type === 'TargetVmReady' || type === 'TargetVmBootedFromDisk')).toEqual([]);
    }));

  it('has a state that a read model keeps as it is', () =>
    always((history) => expectFoldToSurviveTheReadModel(targetVmDecider, history)));

  it('is not changed by commands that come again', () =>
    always((_history, played) => expectRepeatsToChangeNothing(targetVms, played)));
});

describe('the wait for the restore environment', () => {
  const overdue = (enrolBy = ENROL_BY): TargetVmCommand => ({ type: 'ReachEnrolmentDeadline', enrolBy });

  it('ends at its deadline with a failure that says what to do, and a retry begins anew', () => {
    const { events } = spec.given([requested, created]).when(overdue());
    expect(events).toMatchObject([{ type: 'TargetVmFailed', data: { failure: { code: 'RESTORER_NOT_ENROLLED' } } }]);
    spec
      .given([requested, created, ...events])
      .when(request)
      .then([requested]);
  });

  it('does not end before, and not by a deadline of an earlier start', () => {
    const later = '2999-01-01T00:00:00.000Z';
    const patient: TargetVmEvent = { type: 'TargetVmCreated', data: { ...ofVm, reference, enrolBy: later } };
    spec.given([requested, patient]).when(overdue(later)).thenNothing();
    spec.given([requested, patient]).when(overdue()).thenNothing();
  });

  it.each([
    ['it has enrolled', [requested, created, ready]],
    ['the machine has failed', [requested, failed]],
    ['it is being removed', [requested, created, removalRequested]],
  ])('is over when %s', (_when, history) => {
    spec.given(history).when(overdue()).thenNothing();
  });
});
