import { type LedgerEntry, PUBLISHED } from '#libs/contracts';
import { type EventStore, type PersistedEvent, load } from '#libs/eventsourcing';
import { taskNotFound } from '../migration-task/domain/migration-task.errors.js';
import { migrationTasks } from '../migration-task/migration-task.aggregate.js';
import { compareInLog } from '../task-events/log-order.js';
import { foldLedger } from './fold-ledger.js';

/** Events of a target VM that name a restore environment of it. */
const NAMING = [PUBLISHED.targetVmReady, PUBLISHED.targetVmRestorerEnrolled, PUBLISHED.targetVmRemoved] as const;

const restorersIn = (events: readonly PersistedEvent[]): string[] => {
  const named = events.flatMap(({ storedType, data }) =>
    NAMING.filter(({ stored }) => stored === storedType).map(({ schema }) => schema.parse(data).restorerId),
  );
  return [...new Set(named)].filter((restorerId) => restorerId !== null);
};

/**
 * Reads what a clean-up of the task has to remove, and what it has removed already.
 * @throws DomainError `PLANNING.TASK_NOT_FOUND`
 */
export const readCompensationLedger = async (store: EventStore, taskId: string): Promise<LedgerEntry[]> => {
  const { state: task } = await load(store, migrationTasks, taskId);
  if (task === null) throw taskNotFound(taskId);
  const [targetVm, replication] = await Promise.all([
    store.readStream(`targetVm-${task.targetVmId}`),
    store.readStream(`replication-${taskId}`),
  ]);
  const restorers = await Promise.all(restorersIn(targetVm).map((id) => store.readStream(`endpoint-${id}`)));
  return foldLedger([...targetVm, ...replication, ...restorers.flat()].sort(compareInLog));
};
