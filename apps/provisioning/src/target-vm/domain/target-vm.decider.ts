import type { CommandContext, Decider } from '#libs/eventsourcing';
import { noteRemovalFailed, noteRemoved, requestRemoval } from './removal.decisions.js';
import type { CommandOf, TargetVmCommand } from './target-vm.commands.js';
import { notFound, notReady, removed } from './target-vm.errors.js';
import type { TargetVmEvent } from './target-vm.events.js';
import { type TargetVm, type TargetVmState, evolve, initialState, isLeaving } from './target-vm.state.js';

const requestTargetVm = ({ order }: CommandOf<'RequestTargetVm'>, state: TargetVmState): TargetVmEvent[] => {
  if (isLeaving(state)) throw removed();
  // After a failure the same machine is asked for again: the driver keeps what is there.
  return state === null || state.status === 'failed' ? [{ type: 'TargetVmRequested', data: order }] : [];
};

/** Its restore environment may have connected before the call that started it was noted. */
const noteCreated = ({ reference, isEnrolled, enrolBy }: CommandOf<'NoteCreated'>, vm: TargetVm): TargetVmEvent[] => {
  if (vm.reference !== null || vm.status === 'failed') return [];
  const { targetVmId, taskId, status, restorerId, hasConnected } = vm;
  const created: TargetVmEvent = { type: 'TargetVmCreated', data: { targetVmId, taskId, reference, enrolBy } };
  // The call was on its way when the machine was removed.
  if (status === 'removed') return [created, { type: 'TargetVmRemovalRequested', data: { targetVmId, taskId } }];
  if (status !== 'requested' || !isEnrolled || !hasConnected || restorerId === null) return [created];
  // It connected before an earlier attempt failed, and may do so never again.
  return [created, { type: 'TargetVmReady', data: { targetVmId, taskId, restorerId } }];
};

const noteRestorerEnrolled = ({ restorerId }: CommandOf<'NoteRestorerEnrolled'>, vm: TargetVm): TargetVmEvent[] => {
  const { targetVmId, taskId } = vm;
  const isKnown = vm.restorerId === restorerId;
  switch (vm.status) {
    case 'requested':
    case 'created':
    case 'failed':
    case 'removing':
      return isKnown ? [] : [{ type: 'TargetVmRestorerEnrolled', data: { targetVmId, taskId, restorerId } }];
    // Said again, so that its credential is refused from now on.
    case 'removed':
      return isKnown ? [] : [{ type: 'TargetVmRemoved', data: { targetVmId, taskId, restorerId } }];
    case 'ready':
    case 'booting-from-disk':
    case 'booted-from-disk':
      return [];
  }
};

/**
 * From its first connection on a restore environment can be worked with. Its enrolment does not show that: the answer,
 * and the credential in it, may have been lost.
 */
const noteRestorerConnected = (
  { restorerId }: CommandOf<'NoteRestorerConnected'>,
  { targetVmId, taskId, status, ...vm }: TargetVm,
): TargetVmEvent[] => {
  const data = { targetVmId, taskId, restorerId };
  // It may be up before the call that started it has returned.
  if (status === 'requested' || status === 'created') return [{ type: 'TargetVmReady', data }];
  const isKnown = vm.hasConnected && vm.restorerId === restorerId;
  return status === 'failed' && !isKnown ? [{ type: 'TargetVmRestorerConnected', data }] : [];
};

const noteFailed = ({ failure }: CommandOf<'NoteFailed'>, { targetVmId, taskId, status }: TargetVm): TargetVmEvent[] =>
  status === 'requested' || status === 'booting-from-disk'
    ? [{ type: 'TargetVmFailed', data: { targetVmId, taskId, failure } }]
    : [];

/** A restore environment that never came leaves a task without a reason; a person can start it again. */
const reachEnrolmentDeadline = (
  { enrolBy }: CommandOf<'ReachEnrolmentDeadline'>,
  { targetVmId, taskId, status, enrolBy: awaitedUntil }: TargetVm,
  now: string,
): TargetVmEvent[] => {
  if (status !== 'created' || awaitedUntil !== enrolBy || enrolBy > now) return [];
  const failure = {
    code: 'RESTORER_NOT_ENROLLED',
    detail: `The restore environment had not enrolled and connected by ${enrolBy}.`,
    remedy: 'Check that the target VM runs its restore environment and reaches the server, then retry the task.',
  };
  return [{ type: 'TargetVmFailed', data: { targetVmId, taskId, failure } }];
};

const requestBootFromDisk = (vm: TargetVm): TargetVmEvent[] => {
  const { targetVmId, taskId, status, wasReady } = vm;
  if (isLeaving(vm)) throw removed();
  if (status === 'booting-from-disk' || status === 'booted-from-disk') return [];
  // After a failure it is tried again, as long as the machine had been ready.
  if (status !== 'ready' && !(status === 'failed' && wasReady)) throw notReady();
  return [{ type: 'TargetVmBootFromDiskRequested', data: { targetVmId, taskId } }];
};

const decideVm = (
  command: Exclude<TargetVmCommand, { type: 'RequestTargetVm' | 'RequestRemoval' }>,
  vm: TargetVm,
  { now }: CommandContext,
): TargetVmEvent[] => {
  const { targetVmId, taskId } = vm;
  switch (command.type) {
    case 'ReachEnrolmentDeadline':
      return reachEnrolmentDeadline(command, vm, now);
    case 'NoteCreated':
      return noteCreated(command, vm);
    case 'NoteRestorerEnrolled':
      return noteRestorerEnrolled(command, vm);
    case 'NoteRestorerConnected':
      return noteRestorerConnected(command, vm);
    case 'NoteFailed':
      return noteFailed(command, vm);
    case 'RequestBootFromDisk':
      return requestBootFromDisk(vm);
    case 'NoteBootedFromDisk':
      return vm.status === 'booting-from-disk'
        ? [{ type: 'TargetVmBootedFromDisk', data: { targetVmId, taskId } }]
        : [];
    case 'NoteRemoved':
      return noteRemoved(command, vm);
    case 'NoteRemovalFailed':
      return noteRemovalFailed(command, vm);
  }
};

export const targetVmDecider: Decider<TargetVmState, TargetVmCommand, TargetVmEvent> = {
  initialState,
  evolve,
  decide: (command, state, context) => {
    if (command.type === 'RequestTargetVm') return requestTargetVm(command, state);
    if (command.type === 'RequestRemoval') return requestRemoval(command, state);
    if (state === null) throw notFound();
    if (state.status === 'never-made') throw removed();
    return decideVm(command, state, context);
  },
};
