import type { CommandOf } from './target-vm.commands.js';
import { inProduction } from './target-vm.errors.js';
import type { TargetVmEvent } from './target-vm.events.js';
import type { TargetVm, TargetVmState } from './target-vm.state.js';

const announce = ({ targetVmId, taskId }: TargetVm): TargetVmEvent => ({
  type: 'TargetVmRemovalRequested',
  data: { targetVmId, taskId },
});

/** After a failure it is tried again, as often as somebody asks for it. */
export const requestRemoval = (
  { targetVmId, taskId }: CommandOf<'RequestRemoval'>,
  state: TargetVmState,
): TargetVmEvent[] => {
  if (state === null) return [{ type: 'TargetVmRemoved', data: { targetVmId, taskId, restorerId: null } }];
  if (state.status === 'never-made' || state.status === 'removed') return [];
  if (state.mayBeInProduction) throw inProduction();
  return state.status === 'removing' && state.failure === null ? [] : [announce(state)];
};

/**
 * The hypervisor has removed what was there. A machine that was named after the removal had been asked for came to be
 * meanwhile, by a call that was on its way: it is removed as well.
 */
export const noteRemoved = ({ reference }: CommandOf<'NoteRemoved'>, vm: TargetVm): TargetVmEvent[] => {
  if (vm.status !== 'removing') return [];
  if (vm.reference !== reference) return [announce(vm)];
  const { targetVmId, taskId, restorerId } = vm;
  return [{ type: 'TargetVmRemoved', data: { targetVmId, taskId, restorerId } }];
};

export const noteRemovalFailed = (
  { failure }: CommandOf<'NoteRemovalFailed'>,
  { targetVmId, taskId, status, failure: earlier }: TargetVm,
): TargetVmEvent[] =>
  status === 'removing' && earlier === null
    ? [{ type: 'TargetVmRemovalFailed', data: { targetVmId, taskId, failure } }]
    : [];
