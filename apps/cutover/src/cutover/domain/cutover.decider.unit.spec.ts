import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DeciderSpec,
  expectFoldToSurviveTheReadModel,
  expectRepeatsToChangeNothing,
  recordCommands,
} from '#libs/testing';
import { cutovers } from '../cutover.aggregate.js';
import { type CutoverCommand, type CutoverEvent, cutoverDecider } from './cutover.decider.js';

const spec = DeciderSpec.of(cutoverDecider);
const taskId = 'ae507283-0001-4000-8000-000000000001';
const targetVmId = 'ae507283-0002-4000-8000-000000000002';
const otherVmId = 'ae507283-0003-4000-8000-000000000003';
const now = '2026-03-01T10:00:00.000Z';

const allowed: CutoverEvent = { type: 'CutoverAllowed', data: { taskId } };
const withdrawn: CutoverEvent = { type: 'CutoverWithdrawn', data: { taskId } };
const requested: CutoverEvent = { type: 'CutoverRequested', data: { taskId, requestedAt: now } };
const stopped: CutoverEvent = { type: 'SourceServicesStopped', data: { taskId, confirmedAt: now } };
const approved: CutoverEvent = { type: 'FinalSyncApproved', data: { taskId, confirmedBy: 'operator:bob' } };
const takeOverStarted: CutoverEvent = { type: 'TakeOverStarted', data: { taskId, targetVmId } };
const declared: CutoverEvent = { type: 'TakeOverDeclared', data: { taskId, targetVmId, declaredAt: now } };

const allow: CutoverCommand = { type: 'AllowCutover', taskId };
const withdraw: CutoverCommand = { type: 'WithdrawCutover', taskId };
const request: CutoverCommand = { type: 'RequestCutover', taskId };
const confirm: CutoverCommand = { type: 'ConfirmSourceServicesStopped', taskId };
const takeOver: CutoverCommand = { type: 'StartTakeOver', taskId, targetVmId };
const declare: CutoverCommand = { type: 'DeclareTakeOver', targetVmId };

const REQUESTED = [allowed, requested];
const APPROVED = [...REQUESTED, stopped, approved];
const TAKING_OVER = [...APPROVED, takeOverStarted];
const TAKEN_OVER = [...TAKING_OVER, declared];

describe('a cutover', () => {
  it('becomes possible once', () => {
    spec.given([]).when(allow).then([allowed]);
    for (const history of [[allowed], REQUESTED, TAKEN_OVER]) spec.given(history).when(allow).thenNothing();
  });

  it('is requested when it is possible', () => {
    spec.given([allowed]).when(request, { now }).then([requested]);
    expect(spec.given(REQUESTED).state).toMatchObject({ status: 'requested', requestedAt: now });
  });

  it.each([request, confirm, takeOver, declare])('is nothing before a full synchronization: $type', (command) => {
    spec.given([]).when(command).thenRefused('CUTOVER.NO_FULL_SYNC');
  });

  it.each([
    ['it was requested', REQUESTED, 'CUTOVER.ALREADY_REQUESTED'],
    ['it was approved', APPROVED, 'CUTOVER.ALREADY_REQUESTED'],
    ['the target takes over', TAKING_OVER, 'CUTOVER.ALREADY_REQUESTED'],
    ['the target has taken over', TAKEN_OVER, 'CUTOVER.ALREADY_TAKEN_OVER'],
  ])('is not requested again after %s', (_when, history, code) => {
    spec.given(history).when(request).thenRefused(code);
  });
});

describe('that the services of the source are stopped', () => {
  it('is confirmed by a person after the request, which approves the final synchronization', () => {
    spec.given(REQUESTED).when(confirm, { now, actor: 'operator:bob' }).then([stopped, approved]);
    expect(spec.given(APPROVED).state).toMatchObject({ status: 'final-sync-approved', sourceServicesStoppedAt: now });
  });

  it('is not confirmed before the request', () => {
    spec.given([allowed]).when(confirm).thenRefused('CUTOVER.NOT_REQUESTED');
  });

  it.each([
    ['it was', APPROVED],
    ['the target takes over', TAKING_OVER],
    ['the target has taken over', TAKEN_OVER],
  ])('is not recorded again after %s', (_when, history) => {
    spec.given(history).when(confirm).thenNothing();
  });
});

describe('the take-over', () => {
  it('starts after the final synchronization was approved, and is declared when the target has booted', () => {
    spec.given(APPROVED).when(takeOver).then([takeOverStarted]);
    spec.given(TAKING_OVER).when(declare, { now }).then([declared]);
    expect(spec.given(TAKEN_OVER).state).toMatchObject({ status: 'taken-over', takenOverAt: now, targetVmId });
  });

  it.each([
    ['only possible', [allowed]],
    ['only requested', REQUESTED],
  ])('does not start while the cutover is %s', (_what, history) => {
    spec.given(history).when(takeOver).thenRefused('CUTOVER.NOT_APPROVED');
  });

  it('starts again when it is asked for again, after a target that did not boot, but not once it is over', () => {
    spec.given(TAKING_OVER).when(takeOver).then([takeOverStarted]);
    spec.given(TAKEN_OVER).when(takeOver).thenNothing();
  });

  it('is not declared for another VM, before it started, or twice', () => {
    spec.given(TAKING_OVER).when({ type: 'DeclareTakeOver', targetVmId: otherVmId }).thenNothing();
    for (const history of [[allowed], APPROVED, TAKEN_OVER]) spec.given(history).when(declare).thenNothing();
  });
});

describe('a cutover whose task is cancelled', () => {
  it.each([
    ['is not possible yet', []],
    ['is possible', [allowed]],
    ['was requested', REQUESTED],
    ['was approved', APPROVED],
  ])('is withdrawn, once, when it %s', (_how, history) => {
    spec.given(history).when(withdraw).then([withdrawn]);
    spec
      .given([...history, withdrawn])
      .when(withdraw)
      .thenNothing();
  });

  it('stands when a person has spoken since the cancellation was taken back, and that is heard of late', () => {
    const before = '2026-02-28T23:59:59.999Z';
    for (const history of [REQUESTED, APPROVED, TAKING_OVER]) {
      spec
        .given(history)
        .when({ ...withdraw, saidBefore: before })
        .thenNothing();
    }
    spec
      .given(REQUESTED)
      .when({ ...withdraw, saidBefore: '2027-01-01T00:00:00.000Z' })
      .then([withdrawn]);
    spec
      .given([allowed])
      .when({ ...withdraw, saidBefore: before })
      .then([withdrawn]);
  });

  it.each([TAKING_OVER, TAKEN_OVER])('is not withdrawn any more once the target takes over', (...history) => {
    spec.given(history).when(withdraw).thenRefused('CUTOVER.ALREADY_TAKEN_OVER');
  });

  it('takes no request and no confirmation, and nothing takes over', () => {
    const history = [...APPROVED, withdrawn];
    for (const command of [request, confirm]) spec.given(history).when(command).thenRefused('PLANNING.TASK_CANCELLED');
    spec.given(history).when(takeOver).thenRefused('CUTOVER.NOT_APPROVED');
    spec.given(history).when(declare).thenNothing();
  });

  it('is asked for and confirmed anew when it is allowed again', () => {
    const again = [...APPROVED, withdrawn, allowed];
    spec
      .given([...APPROVED, withdrawn])
      .when(allow)
      .then([allowed]);
    expect(spec.given(again).state).toMatchObject({ requestedAt: null, sourceServicesStoppedAt: null });
    spec.given(again).when(confirm).thenRefused('CUTOVER.NOT_REQUESTED');
    spec.given(again).when(takeOver).thenRefused('CUTOVER.NOT_APPROVED');
    spec.given(again).when(request, { now }).then([requested]);
  });
});

describe('whatever happens to a cutover', () => {
  const commands = fc.array(fc.constantFrom(allow, withdraw, request, confirm, takeOver, declare), { maxLength: 20 });
  const always = (check: (history: readonly CutoverEvent[], played: readonly CutoverCommand[]) => unknown) =>
    fc.assert(
      fc.asyncProperty(commands, async (played) => {
        const { persisted } = await recordCommands(cutovers, played);
        await check(
          persisted.flatMap((stored) => cutovers.codec.decode(stored) ?? []),
          played,
        );
      }),
    );

  it('nothing takes over unless a person confirmed, after the last cancellation, that the source is stopped', () =>
    always((history) => {
      let since: string[] = [];
      for (const { type } of history) {
        if (type === 'TakeOverStarted') expect(since).toContain('SourceServicesStopped');
        if (type === 'TakeOverDeclared') expect(since).toContain('TakeOverStarted');
        if (type === 'CutoverWithdrawn') since = [];
        else since.push(type);
        for (const once of ['CutoverAllowed', 'CutoverRequested', 'FinalSyncApproved', 'TakeOverDeclared']) {
          expect(since.filter((each) => each === once).length).toBeLessThanOrEqual(1);
        }
      }
    }));

  it('has a state that a read model keeps as it is', () =>
    always((history) => expectFoldToSurviveTheReadModel(cutoverDecider, history)));

  it('is not changed by commands that come again', () =>
    always((_history, played) => expectRepeatsToChangeNothing(cutovers, played)));
});
