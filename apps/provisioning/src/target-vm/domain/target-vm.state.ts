import type { Failure } from '#libs/contracts';
import type { TargetVmEvent, TargetVmOrder } from './target-vm.events.js';

/** A machine that was asked for. */
export interface TargetVm extends TargetVmOrder {
  readonly status:
    'requested' | 'created' | 'ready' | 'failed' | 'booting-from-disk' | 'booted-from-disk' | 'removing' | 'removed';
  /** The hypervisor's name for the machine; null until it has named it for the newest request. */
  readonly reference: string | null;
  /** Until when the first connection of its restore environment is waited for; null: not known yet, or for ever. */
  readonly enrolBy: string | null;
  /** The restore environment that has enrolled for this machine, whether it was waited for or not. */
  readonly restorerId: string | null;
  /** That restore environment has connected, so it knows its credential. */
  readonly hasConnected: boolean;
  /** It had been ready since the newest request. */
  readonly wasReady: boolean;
  /** It was told to boot from its disk, and may be in production since. */
  readonly mayBeInProduction: boolean;
  readonly failure: Failure | null;
}

/** A machine that was removed before anybody asked for it. */
export interface NeverMade {
  readonly status: 'never-made';
  readonly targetVmId: string;
  readonly taskId: string;
}

/** null: nobody has spoken of such a machine. */
export type TargetVmState = TargetVm | NeverMade | null;

export const initialState: TargetVmState = null as TargetVmState;

/** It is gone, is going, or is never to come. */
export const isLeaving = (state: TargetVmState): boolean =>
  state?.status === 'removing' || state?.status === 'removed' || state?.status === 'never-made';

export const evolve = (state: TargetVmState, event: TargetVmEvent): TargetVmState => {
  if (event.type === 'TargetVmRequested') {
    const earlier = state === null || state.status === 'never-made' ? null : state;
    return {
      ...event.data,
      status: 'requested',
      reference: null,
      enrolBy: null,
      // A machine that is asked for again may hold a restore environment that needs not enrol any more.
      restorerId: earlier?.restorerId ?? null,
      hasConnected: earlier?.hasConnected ?? false,
      wasReady: false,
      mayBeInProduction: earlier?.mayBeInProduction ?? false,
      failure: null,
    };
  }
  if (state === null || state.status === 'never-made') {
    if (event.type !== 'TargetVmRemoved') return state;
    const { targetVmId, taskId } = event.data;
    return { status: 'never-made', targetVmId, taskId };
  }
  return evolveVm(state, event);
};

const evolveVm = (vm: TargetVm, event: Exclude<TargetVmEvent, { type: 'TargetVmRequested' }>): TargetVm => {
  switch (event.type) {
    case 'TargetVmCreated': {
      const { reference, enrolBy = null } = event.data;
      // What came before the hypervisor's answer is not undone by it.
      const status = vm.status === 'requested' ? 'created' : vm.status;
      return { ...vm, status, reference, enrolBy, failure: null };
    }
    case 'TargetVmRestorerEnrolled':
      return { ...vm, restorerId: event.data.restorerId, hasConnected: false };
    case 'TargetVmRestorerConnected':
      return { ...vm, restorerId: event.data.restorerId, hasConnected: true };
    case 'TargetVmReady':
      return {
        ...vm,
        status: 'ready',
        restorerId: event.data.restorerId,
        hasConnected: true,
        wasReady: true,
        failure: null,
      };
    case 'TargetVmFailed':
      return { ...vm, status: 'failed', failure: event.data.failure };
    case 'TargetVmBootFromDiskRequested':
      return { ...vm, status: 'booting-from-disk', mayBeInProduction: true, failure: null };
    case 'TargetVmBootedFromDisk':
      return { ...vm, status: 'booted-from-disk' };
    case 'TargetVmRemovalRequested':
      return { ...vm, status: 'removing', failure: null };
    case 'TargetVmRemovalFailed':
      return { ...vm, failure: event.data.failure };
    case 'TargetVmRemoved':
      return { ...vm, status: 'removed', restorerId: event.data.restorerId ?? vm.restorerId, failure: null };
  }
};
