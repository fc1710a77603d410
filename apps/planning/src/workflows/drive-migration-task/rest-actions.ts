import { cutoverCalls, provisioningCalls, transferCalls } from '#libs/contracts';
import { type CommandContext, DomainError, uuidV5 } from '#libs/eventsourcing';
import type { ServiceBus } from '#libs/messaging';
import type { MigrationTask } from '../../migration-task/domain/migration-task.state.js';

type Services = Pick<ServiceBus, 'call'>;

/** The context of a command, by the name of what is done. */
export type ContextOf = (reaction: string) => CommandContext;

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

/** A transfer that has not begun is given them when it does. */
export const adjustThrottle = (
  bus: Services,
  { taskId, settings: { throttle } }: MigrationTask,
  context: CommandContext,
): Promise<void> => unlessNotStarted(bus.call(transferCalls.adjustThrottle, { taskId, throttle }, context));

/** @param saidBefore what a person has said of the cutover since then stands; left out: nothing stands */
export const withdrawCutover = (
  bus: Services,
  taskId: string,
  context: CommandContext,
  saidBefore?: string,
): Promise<unknown> => bus.call(cutoverCalls.withdrawCutover, { taskId, saidBefore }, context);

/**
 * The work in hand ends and the cutover with it. For one cancellation or clean-up it is the same two commands whenever
 * it is asked for: what was stopped and reinstated meanwhile is not stopped once more.
 */
export const endWork = async (
  bus: Services,
  { taskId, cleanUpGeneration }: MigrationTask,
  context: CommandContext,
  saidBefore?: string,
): Promise<void> => {
  const once = (what: string): CommandContext => ({
    ...context,
    commandId: uuidV5(taskId, `${what}:${cleanUpGeneration}`),
  });
  await stopWork(bus, taskId, once('stop-replication'));
  await withdrawCutover(bus, taskId, once('withdraw-cutover'), saidBefore);
};

/** A cancellation that was taken back, and when that was. */
export interface WithdrawnCancellation {
  readonly generation: number;
  readonly at: string;
}

/**
 * Cancelled and taken back before anybody could act on it, the task may have work in hand that a cutover rested on.
 * That work ends as it would have ended, but for what a person has said since: this may have been on its way for long.
 * A pause ended with the cancellation, also where that was never acted upon.
 */
export const takeUpWork = async (
  bus: Services,
  task: MigrationTask,
  withdrawn: WithdrawnCancellation,
  contextOf: ContextOf,
): Promise<void> => {
  const { taskId, phase, cleanUpGeneration, isPaused } = task;
  if (phase === 'keep-in-sync' && cleanUpGeneration === withdrawn.generation) {
    await endWork(bus, task, contextOf('end-work'), withdrawn.at);
  }
  await reinstateWork(bus, taskId, contextOf('reinstate-replication'));
  if (!isPaused) await resumeWork(bus, taskId, contextOf('resume-replication'));
};

export const removeTarget = (
  bus: Services,
  { taskId, targetVmId }: MigrationTask,
  context: CommandContext,
): Promise<unknown> => bus.call(provisioningCalls.removeTargetVm, { targetVmId, taskId }, context);
