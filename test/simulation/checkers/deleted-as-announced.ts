import type { Fact } from '../world/live-folds.js';
import type { MakeChecker } from './checker.js';

interface CleanUpData {
  readonly cleanUpAt: string;
  readonly cause: string;
}

/**
 * Nothing outside is deleted without the event that announced it, nor before its time, nor after the cancellation was
 * withdrawn; no machine is made twice, and none is left after the clean-up.
 */
export const deletedAsAnnounced: MakeChecker = ({ world, report }) => {
  const made = new Set<string>();
  const announced = new Set<string>();
  /** When the newest clean-up of a task may begin, as its cancellation or its failure said. */
  const cleanUpAtOf = new Map<string, string | null>();
  const cleaningUp = new Set<string>();
  const recordedOfTask = ({ event, persisted }: Fact): void => {
    const { taskId, cleanUpAt = null, cause } = (event?.data ?? {}) as Partial<CleanUpData> & { taskId: string };
    const { occurredAt } = persisted.metadata;
    switch (event?.type) {
      case 'MigrationTaskCancelled':
      case 'MigrationTaskHalted':
      case 'MigrationTaskResumed':
        cleanUpAtOf.set(taskId, cleanUpAt);
        break;
      case 'CancellationWithdrawn':
      case 'MigrationTaskHaltCleared':
      case 'CleanUpCalledOff':
      case 'MigrationTaskPaused':
        if (cleaningUp.has(taskId)) report(`${event.type} in the middle of a clean-up`);
        cleanUpAtOf.set(taskId, null);
        break;
      case 'CleanUpStarted': {
        const mayBeginAt = cleanUpAtOf.get(taskId) ?? null;
        if (cause !== 'retry' && (mayBeginAt === null || occurredAt < mayBeginAt)) {
          report(`A clean-up begins at ${occurredAt}, and was to begin at ${mayBeginAt ?? 'no time'}`);
        }
        cleaningUp.add(taskId);
        break;
      }
      default:
    }
  };
  const taskOf = (targetVmId: string): string => world.folds.targetVm(targetVmId)?.taskId ?? '';
  return {
    name: 'deleted-as-announced',
    observed: (seen) => {
      if (seen.kind === 'machine-created') {
        if (made.has(seen.targetVmId)) report('A second machine is made for a target VM');
        made.add(seen.targetVmId);
      }
      if (seen.kind !== 'machine-removed') return;
      if (!announced.has(seen.targetVmId)) report('A machine is removed that no event announced');
      if (!cleaningUp.has(taskOf(seen.targetVmId))) report('A machine is removed outside a clean-up');
    },
    recorded: (fact) => {
      if (fact.category === 'migrationTask') recordedOfTask(fact);
      if (fact.event?.type !== 'TargetVmRemovalRequested') return;
      announced.add(fact.id);
      if (!cleaningUp.has(taskOf(fact.id))) report('A removal is announced outside a clean-up');
    },
    atEnd: () => {
      for (const { targetVmId } of world.hypervisor.machines) {
        if (world.folds.task(taskOf(targetVmId))?.status === 'cancelled')
          report('A machine is left after its clean-up');
      }
    },
  };
};
