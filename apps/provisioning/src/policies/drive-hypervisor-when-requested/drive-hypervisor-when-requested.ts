import { transferCalls } from '#libs/contracts';
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
import type { TargetVmCommand, TargetVmState } from '../../target-vm/domain/target-vm.decider.js';
import { targetVms } from '../../target-vm/target-vm.aggregate.js';

type TargetVm = NonNullable<TargetVmState>;

/** Asked for, and not known to be there; its restorer may have enrolled before the driver's call was noted. */
const isWanted = (vm: TargetVm): boolean => vm.reference === null && vm.status !== 'failed';

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
  const note = async (event: PersistedEvent, targetVmId: string, command: TargetVmCommand): Promise<void> => {
    const context = reactionContext(event, command.type, 'service:provisioning', new Date().toISOString());
    await handleCommand(store, targetVms, targetVmId, command, context);
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
    const { reference } = await driver.ensureInRestoreEnvironment(order, () =>
      bus.call(
        transferCalls.issueEnrolmentToken,
        { kind: 'restorer', name: targetVmId, validSeconds: TOKEN_VALID_SECONDS },
        context,
      ),
    );
    await note(event, targetVmId, { type: 'NoteCreated', reference });
  };

  const bootFromDisk = async (event: PersistedEvent, vm: TargetVm): Promise<void> => {
    await (await driverOf(vm.siteId)).bootFromDisk(vm.targetVmId);
    await note(event, vm.targetVmId, { type: 'NoteBootedFromDisk' });
  };

  /** What will not mend itself is recorded, and a person decides; anything else is tried again. */
  const noteFailure = async (event: PersistedEvent, vm: TargetVm, work: typeof createAndBoot): Promise<void> => {
    try {
      await work(event, vm);
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      await note(event, vm.targetVmId, failed(error));
    }
  };

  const failed = (error: PermanentError): TargetVmCommand => ({
    type: 'NoteFailed',
    failure: {
      code: 'TARGET_VM_FAILED',
      detail: error.message,
      remedy: 'Mend what the hypervisor complains of, then retry the task.',
    },
  });

  return {
    kind: 'reaction',
    name: 'drive-hypervisor-when-requested',
    prefixes: ['targetVm-'],
    react: async (persisted) => {
      const event = targetVms.codec.decode(persisted);
      if (event?.type !== 'TargetVmRequested' && event?.type !== 'TargetVmBootFromDiskRequested') return;
      const { state: vm } = await load(store, targetVms, event.data.targetVmId);
      // A request of the past, read again because the checkpoint was lost, must not touch a machine.
      if (vm === null) return;
      if (event.type === 'TargetVmRequested' && isWanted(vm)) await noteFailure(persisted, vm, createAndBoot);
      if (event.type === 'TargetVmBootFromDiskRequested' && vm.status === 'booting-from-disk') {
        await noteFailure(persisted, vm, bootFromDisk);
      }
    },
  };
};
