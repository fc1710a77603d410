import type { Failure, Published, TargetSpecification } from '#libs/contracts';
import { type Decider, DomainError, type DomainEvent } from '#libs/eventsourcing';

interface Order {
  readonly targetVmId: string;
  readonly taskId: string;
  readonly siteId: string;
  readonly specification: TargetSpecification;
}

/** Said before anything is made outside, so that what exists there is always known from events. */
export type TargetVmRequested = DomainEvent<'TargetVmRequested', Order>;
export type TargetVmCreated = DomainEvent<
  'TargetVmCreated',
  { readonly targetVmId: string; readonly taskId: string; readonly reference: string }
>;
export type TargetVmReady = DomainEvent<'TargetVmReady', Published['targetVmReady']>;
export type TargetVmFailed = DomainEvent<'TargetVmFailed', Published['targetVmFailed']>;
export type TargetVmBootFromDiskRequested = DomainEvent<
  'TargetVmBootFromDiskRequested',
  { readonly targetVmId: string; readonly taskId: string }
>;
export type TargetVmBootedFromDisk = DomainEvent<'TargetVmBootedFromDisk', Published['targetVmBootedFromDisk']>;
export type TargetVmEvent =
  | TargetVmRequested
  | TargetVmCreated
  | TargetVmReady
  | TargetVmFailed
  | TargetVmBootFromDiskRequested
  | TargetVmBootedFromDisk;

export type TargetVmCommand =
  | { readonly type: 'RequestTargetVm'; readonly order: Order }
  | { readonly type: 'NoteCreated'; readonly reference: string }
  | { readonly type: 'NoteRestorerEnrolled'; readonly restorerId: string }
  | { readonly type: 'NoteFailed'; readonly failure: Failure }
  | { readonly type: 'RequestBootFromDisk' }
  | { readonly type: 'NoteBootedFromDisk' };

export type TargetVmState =
  | (Order & {
      readonly status: 'requested' | 'created' | 'ready' | 'failed' | 'booting-from-disk' | 'booted-from-disk';
      readonly reference: string | null;
      readonly restorerId: string | null;
      readonly failure: Failure | null;
    })
  | null;

type TargetVm = NonNullable<TargetVmState>;

const notFound = (): DomainError =>
  new DomainError(
    'PROVISIONING.TARGET_VM_NOT_FOUND',
    'There is no such target VM.',
    'Use the id that the migration task names.',
  );

const notReady = (): DomainError =>
  new DomainError(
    'PROVISIONING.TARGET_VM_NOT_READY',
    'The target VM is not ready.',
    'Wait until its restore environment has connected.',
  );

const evolveVm = (vm: TargetVm, event: Exclude<TargetVmEvent, TargetVmRequested>): TargetVm => {
  switch (event.type) {
    case 'TargetVmCreated':
      return {
        ...vm,
        // What came before the hypervisor's answer is not undone by it.
        status: vm.status === 'requested' ? 'created' : vm.status,
        reference: event.data.reference,
        failure: null,
      };
    case 'TargetVmReady':
      return { ...vm, status: 'ready', restorerId: event.data.restorerId, failure: null };
    case 'TargetVmFailed':
      return { ...vm, status: 'failed', failure: event.data.failure };
    case 'TargetVmBootFromDiskRequested':
      return { ...vm, status: 'booting-from-disk', failure: null };
    case 'TargetVmBootedFromDisk':
      return { ...vm, status: 'booted-from-disk' };
  }
};

const decideVm = (command: Exclude<TargetVmCommand, { type: 'RequestTargetVm' }>, vm: TargetVm): TargetVmEvent[] => {
  const { targetVmId, taskId } = vm;
  switch (command.type) {
    case 'NoteCreated':
      // Its restore environment may have enrolled before the call that started it was noted.
      return vm.reference === null && vm.status !== 'failed'
        ? [{ type: 'TargetVmCreated', data: { targetVmId, taskId, reference: command.reference } }]
        : [];
    case 'NoteRestorerEnrolled':
      // A restore environment may be up before the call that started it has returned.
      return vm.status === 'requested' || vm.status === 'created'
        ? [{ type: 'TargetVmReady', data: { targetVmId, taskId, restorerId: command.restorerId } }]
        : [];
    case 'NoteFailed':
      return vm.status === 'requested' || vm.status === 'booting-from-disk'
        ? [{ type: 'TargetVmFailed', data: { targetVmId, taskId, failure: command.failure } }]
        : [];
    case 'RequestBootFromDisk':
      if (vm.status === 'booting-from-disk' || vm.status === 'booted-from-disk') return [];
      // After a failure it is tried again, as long as the machine had been ready.
      if (vm.status !== 'ready' && !(vm.status === 'failed' && vm.restorerId !== null)) throw notReady();
      return [{ type: 'TargetVmBootFromDiskRequested', data: { targetVmId, taskId } }];
    case 'NoteBootedFromDisk':
      return vm.status === 'booting-from-disk'
        ? [{ type: 'TargetVmBootedFromDisk', data: { targetVmId, taskId } }]
        : [];
  }
};

export const targetVmDecider: Decider<TargetVmState, TargetVmCommand, TargetVmEvent> = {
  initialState: null,
  evolve: (state, event) => {
    if (event.type === 'TargetVmRequested') {
      return { ...event.data, status: 'requested', reference: null, restorerId: null, failure: null };
    }
    return state === null ? null : evolveVm(state, event);
  },
  decide: (command, state) => {
    if (command.type === 'RequestTargetVm') {
      // After a failure the same machine is asked for again: the driver keeps what is there.
      const wanted = state === null || state.status === 'failed';
      return wanted ? [{ type: 'TargetVmRequested', data: command.order }] : [];
    }
    if (state === null) throw notFound();
    return decideVm(command, state);
  },
};
