import { type Failure, transferCalls } from '#libs/contracts';
import {
  type EventStore,
  PermanentError,
  type PersistedEvent,
  handleCommand,
  load,
  reactionContext,
} from '#libs/eventsourcing';
import type { HciDriver } from '#libs/hci';
import type { ServiceBus } from '#libs/messaging';
import type { Reaction } from '#libs/projections';
import type { TargetVmCommand } from '../../target-vm/domain/target-vm.commands.js';
import { type TargetVm, isLeaving } from '../../target-vm/domain/target-vm.state.js';
import { targetVms } from '../../target-vm/target-vm.aggregate.js';

/** Asked for, and not known to be there; its restorer may have enrolled before the driver's call was noted. */
const isWanted = (vm: TargetVm): boolean => vm.reference === null && vm.status !== 'failed' && !isLeaving(vm);

const failureOf = ({ message: detail }: PermanentError): Failure => ({
  code: 'TARGET_VM_FAILED',
  detail,
  remedy: 'Mend what the hypervisor complains of, then retry the task.',
});

/** The restore environment must have enrolled by then; a later start asks for a new token. */
const TOKEN_VALID_SECONDS = 3_600;

/**
 * What was requested of a target VM is asked of the hypervisor, and its answer recorded. Every driver call is
 * idempotent, so after a crash in between it is made again.
 */
export const driveHypervisorWhenRequested = (
  store: EventStore,
  bus: Pick<ServiceBus, 'call'>,
  driverOf: (siteId: string) => Promise<HciDriver>,
): Reaction => {
  const note = async (event: PersistedEvent, targetVmId: string, command: TargetVmCommand) => {
    const context = reactionContext(event, command.type, 'service:provisioning', new Date().toISOString());
    return (await handleCommand(store, targetVms, targetVmId, command, context)).state;
  };

  const createAndBoot = async (event: PersistedEvent, vm: TargetVm): Promise<void> => {
    const { targetVmId, specification } = vm;
    const driver = await driverOf(vm.siteId);
    const order = {
      targetVmId,
      name: `landfall-${targetVmId.slice(0, 8)}`,
      cpuCount: specification.cpuCount,
      memoryBytes: specification.memoryBytes,
      disks: specification.disks.map(({ sourceDiskId: diskId, sizeBytes }) => ({ diskId, sizeBytes })),
    };
    const context = reactionContext(event, 'issue-token', 'service:provisioning', new Date().toISOString());
    let isEnrolled = true;
    let enrolBy = new Date(Date.now() + TOKEN_VALID_SECONDS * 1000).toISOString();
    const { reference } = await driver.ensureInRestoreEnvironment(order, async () => {
      isEnrolled = false;
      const question = { kind: 'restorer', name: targetVmId, validSeconds: TOKEN_VALID_SECONDS } as const;
      const environment = await bus.call(transferCalls.issueEnrolmentToken, question, context);
      enrolBy = environment.expiresAt;
      return environment;
    });
    const after = await note(event, targetVmId, { type: 'NoteCreated', reference, isEnrolled, enrolBy });
    // Its removal may have been carried out while this call was on its way; then nobody else looks for the machine.
    if (isLeaving(after)) await driver.remove(targetVmId);
  };

  const bootFromDisk = async (event: PersistedEvent, vm: TargetVm): Promise<void> => {
    await (await driverOf(vm.siteId)).bootFromDisk(vm.targetVmId);
    await note(event, vm.targetVmId, { type: 'NoteBootedFromDisk' });
  };

  const remove = async (event: PersistedEvent, { targetVmId, siteId, reference }: TargetVm): Promise<void> => {
    await (await driverOf(siteId)).remove(targetVmId);
    await note(event, targetVmId, { type: 'NoteRemoved', reference });
  };

  /** What will not mend itself is recorded, and a person decides; anything else is tried again. */
  const noteFailure = async (
    event: PersistedEvent,
    vm: TargetVm,
    work: typeof createAndBoot,
    type: 'NoteFailed' | 'NoteRemovalFailed',
  ): Promise<void> => {
    try {
      await work(event, vm);
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      await note(event, vm.targetVmId, { type, failure: failureOf(error) });
    }
  };

  return {
    kind: 'reaction',
    name: 'drive-hypervisor-when-requested',
    prefixes: ['targetVm-'],
    // One event after another: what is removed is not being made at the same time.
    react: async (persisted) => {
      const event = targetVms.codec.decode(persisted);
      if (event === null) return;
      const { state: vm } = await load(store, targetVms, event.data.targetVmId);
      // A request of the past, read again because the checkpoint was lost, must not touch a machine.
      if (vm === null || vm.status === 'never-made') return;
      if (event.type === 'TargetVmRequested' && isWanted(vm)) {
        await noteFailure(persisted, vm, createAndBoot, 'NoteFailed');
      }
      if (event.type === 'TargetVmBootFromDiskRequested' && vm.status === 'booting-from-disk') {
        await noteFailure(persisted, vm, bootFromDisk, 'NoteFailed');
      }
      if (event.type === 'TargetVmRemovalRequested' && vm.status === 'removing' && vm.failure === null) {
        await noteFailure(persisted, vm, remove, 'NoteRemovalFailed');
      }
    },
  };
};
