import {
  type Failure,
  type PhaseName,
  cutoverCalls,
  provisioningCalls,
  replicationSettings,
  transferCalls,
} from '#libs/contracts';
import { type CommandContext, PermanentError } from '#libs/eventsourcing';
import type { ServiceBus } from '#libs/messaging';
import type { MigrationTask } from '../../migration-task/domain/migration-task.state.js';

type Call = (bus: Pick<ServiceBus, 'call'>, context: CommandContext) => Promise<unknown>;

/**
 * The action of a phase as a call to the service that owns it. `action` is what the task's itinerary recorded.
 * @throws PermanentError for an action that this version does not know
 */
export const actionOf = (action: string, task: MigrationTask, restorerId: string | null): Call => {
  const { taskId, targetVmId, siteId, target, sourceMachineId, disks } = task;
  switch (action) {
    case 'create-target-vm':
      return (bus, context) =>
        bus.call(provisioningCalls.createTargetVm, { targetVmId, taskId, siteId, specification: target }, context);
    case 'start-full-sync': {
      if (restorerId === null) throw new PermanentError(`Task ${taskId} has no restore environment to send to`);
      const settings = replicationSettings.parse(task.settings);
      const replication = { taskId, sourceMachineId, restorerId, disks: [...disks], settings };
      return (bus, context) => bus.call(transferCalls.startFullSync, replication, context);
    }
    case 'allow-cutover':
      return (bus, context) => bus.call(cutoverCalls.allowCutover, { taskId }, context);
    case 'start-final-sync':
      return (bus, context) => bus.call(transferCalls.startFinalSync, { taskId }, context);
    case 'verify-replica':
      return (bus, context) => bus.call(transferCalls.verifyReplica, { taskId }, context);
    case 'take-over':
      return (bus, context) => bus.call(cutoverCalls.takeOver, { taskId, targetVmId }, context);
    default:
      throw new PermanentError(`Task ${taskId} asks for the action ${action}, which this version does not know`);
  }
};

/** A full round that somebody else began, such as a time point, is as good as one that the phase begins. */
export const isUnderWay = (action: string, { code }: Pick<Failure, 'code'>): boolean =>
  action === 'start-full-sync' && code === 'TRANSFER.ROUND_RUNNING';

/** Phases in which a synchronization time point may start a round; the transfer service has the last word. */
export const SYNCHRONIZING_PHASES: readonly PhaseName[] = ['full-sync', 'keep-in-sync'];
