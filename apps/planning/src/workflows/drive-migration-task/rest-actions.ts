import { cutoverCalls, provisioningCalls, transferCalls } from '#libs/contracts';
import { type CommandContext, DomainError, uuidV5 } from '#libs/eventsourcing';
import type { ServiceBus } from '#libs/messaging';
import type { MigrationTask } from '../../migration-task/domain/migration-task.state.js';

type Services = Pick<ServiceBus, 'call'>;

/** A transfer that has not begun has nothing to hold, to stop or to go on with. */
const unlessNotStarted = async (work: Promise<unknown>): Promise<void> => {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'TRANSFER.NOT_STARTED') throw error;
  }
};

export const pauseWork = (bus: Services, taskId: string, context: CommandContext): Promise<void> =>
  unlessNotStarted(bus.call(transferCalls.pauseReplication, { taskId }, context));

export const resumeWork = (bus: Services, taskId: string, context: CommandContext): Promise<void> =>
  unlessNotStarted(bus.call(transferCalls.resumeReplication, { taskId }, context));

export const stopWork = (bus: Services, taskId: string, context: CommandContext): Promise<void> =>
  unlessNotStarted(bus.call(transferCalls.stopReplication, { taskId }, context));

export const reinstateWork = (bus: Services, taskId: string, context: CommandContext): Promise<void> =>
  unlessNotStarted(bus.call(transferCalls.reinstateReplication, { taskId }, context));

export const withdrawCutover = (bus: Services, taskId: string, context: CommandContext): Promise<unknown> =>
  bus.call(cutoverCalls.withdrawCutover, { taskId }, context);

/**
 * The work in hand ends and the cutover with it. For one cancellation or clean-up it is the same two commands whenever
 * it is asked for: what was stopped and reinstated meanwhile is not stopped once more.
 */
export const endWork = async (
  bus: Services,
  { taskId, cleanUpGeneration }: MigrationTask,
  context: CommandContext,
): Promise<void> => {
  const once = (what: string): CommandContext => ({
    ...context,
    commandId: uuidV5(taskId, `${what}:${cleanUpGeneration}`),
  });
  await stopWork(bus, taskId, once('stop-replication'));
  await withdrawCutover(bus, taskId, once('withdraw-cutover'));
};

export const removeTarget = (
  bus: Services,
  { taskId, targetVmId }: MigrationTask,
  context: CommandContext,
): Promise<unknown> => bus.call(provisioningCalls.removeTargetVm, { targetVmId, taskId }, context);
