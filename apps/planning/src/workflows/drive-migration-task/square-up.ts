import { PUBLISHED } from '#libs/contracts';
import { type CommandContext, type EventStore, type PersistedEvent, load } from '#libs/eventsourcing';
import type { ServiceBus } from '#libs/messaging';
import type { MigrationTask } from '../../migration-task/domain/migration-task.state.js';
import { migrationTasks } from '../../migration-task/migration-task.aggregate.js';
import { pauseWork, reinstateWork, resumeWork, stopWork } from './rest-actions.js';

type Work = typeof pauseWork;

/** At rest or not: what a task wants of its transfer. */
const wantedOf = ({ stage, isPaused }: MigrationTask): 'at-work' | 'paused' | 'stopped' => {
  if (stage === 'cancelling' || stage === 'cleaning-up' || stage === 'cancelled') return 'stopped';
  return isPaused ? 'paused' : 'at-work';
};

type Correction = Readonly<Record<ReturnType<typeof wantedOf>, Work | null>>;

/** What is to be done when the transfer has come to this, and the task wants that. */
const CORRECTIONS: Readonly<Record<string, Correction>> = {
  [PUBLISHED.replicationPaused.stored]: { 'at-work': resumeWork, paused: null, stopped: stopWork },
  [PUBLISHED.replicationResumed.stored]: { 'at-work': null, paused: pauseWork, stopped: stopWork },
  [PUBLISHED.replicationStopped.stored]: { 'at-work': reinstateWork, paused: reinstateWork, stopped: null },
  [PUBLISHED.replicationReinstated.stored]: { 'at-work': null, paused: pauseWork, stopped: stopWork },
};

/**
 * A request to rest, or to go on, may arrive late or twice, after the task has changed its mind. Whatever the transfer
 * comes to is therefore held against what the task wants now, and put right. Other events change nothing.
 */
export const squareUp = async (
  store: EventStore,
  bus: Pick<ServiceBus, 'call'>,
  { storedType, data }: PersistedEvent,
  context: CommandContext,
): Promise<void> => {
  const corrections = CORRECTIONS[storedType];
  if (corrections === undefined) return;
  const { taskId } = PUBLISHED.replicationPaused.schema.parse(data);
  const { state: task } = await load(store, migrationTasks, taskId);
  if (task !== null) await corrections[wantedOf(task)]?.(bus, taskId, context);
};
