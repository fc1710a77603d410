import { PUBLISHED, type Failure, type PhaseName, type ReplicationFailureCode } from '#libs/contracts';
import type { PersistedEvent } from '#libs/eventsourcing';
import type { MigrationTaskCommand } from '../../migration-task/domain/migration-task.commands.js';

/** What another service's fact means for a task. */
export interface Note {
  readonly taskId: string;
  readonly command: Extract<MigrationTaskCommand, { type: `Note${string}` }>;
}

const fact = (taskId: string, name: string, restorerId: string | null = null): Note => ({
  taskId,
  command: { type: 'NoteFact', fact: name, restorerId },
});

const failure = (taskId: string, phases: readonly PhaseName[], what: Failure): Note => ({
  taskId,
  command: { type: 'NoteFailure', phases, failure: what },
});

const CANCELLED: ReplicationFailureCode = 'TASK_CANCELLED';

/** Work that ended because its task was cancelled is no failure of the task, which may go on meanwhile. */
const failureOfWork = (taskId: string, phases: readonly PhaseName[], what: Failure): Note | null =>
  what.code === CANCELLED ? null : failure(taskId, phases, what);

const DIFFERED: Omit<Failure, 'detail'> = {
  code: 'REPLICA_DIFFERED',
  remedy: 'Retry the task: another final synchronization sends everything again, and the target is verified again.',
};

type Reader = (data: unknown) => Note | null;

const READERS: Readonly<Record<string, Reader>> = {
  [PUBLISHED.targetVmReady.stored]: (data) => {
    const { taskId, restorerId } = PUBLISHED.targetVmReady.schema.parse(data);
    return fact(taskId, 'target-vm-ready', restorerId);
  },
  [PUBLISHED.targetVmFailed.stored]: (data) => {
    const event = PUBLISHED.targetVmFailed.schema.parse(data);
    return failure(event.taskId, ['prepare-target', 'take-over'], event.failure);
  },
  [PUBLISHED.targetVmRemoved.stored]: (data) => {
    const { taskId } = PUBLISHED.targetVmRemoved.schema.parse(data);
    return { taskId, command: { type: 'NoteTargetRemoved' } };
  },
  [PUBLISHED.targetVmRemovalFailed.stored]: (data) => {
    const event = PUBLISHED.targetVmRemovalFailed.schema.parse(data);
    return { taskId: event.taskId, command: { type: 'NoteCleanUpFailure', failure: event.failure } };
  },
  [PUBLISHED.syncRoundStarted.stored]: (data) => {
    const { taskId, roundId, roundKind, trigger } = PUBLISHED.syncRoundStarted.schema.parse(data);
    return { taskId, command: { type: 'NoteRoundStarted', roundId, roundKind, trigger } };
  },
  [PUBLISHED.syncRoundCompleted.stored]: (data) => {
    const { taskId, roundKind } = PUBLISHED.syncRoundCompleted.schema.parse(data);
    return roundKind === 'incremental' ? null : fact(taskId, `${roundKind}-sync-completed`);
  },
  [PUBLISHED.syncRoundFailed.stored]: (data) => {
    const event = PUBLISHED.syncRoundFailed.schema.parse(data);
    // A failed incremental round halts nothing: the next time point, or a person, starts another.
    if (event.roundKind === 'incremental' || event.retryAt !== undefined) return null;
    return failureOfWork(event.taskId, [event.roundKind === 'full' ? 'full-sync' : 'final-sync'], event.failure);
  },
  [PUBLISHED.replicaVerified.stored]: (data) => {
    const { taskId } = PUBLISHED.replicaVerified.schema.parse(data);
    return fact(taskId, 'replica-verified');
  },
  [PUBLISHED.replicaDiffered.stored]: (data) => {
    const { taskId, differing } = PUBLISHED.replicaDiffered.schema.parse(data);
    const detail = `The target differs from the source on disk ${differing.map(({ diskId }) => diskId).join(', ')}.`;
    return failure(taskId, ['verify'], { ...DIFFERED, detail });
  },
  [PUBLISHED.verificationFailed.stored]: (data) => {
    const event = PUBLISHED.verificationFailed.schema.parse(data);
    return failureOfWork(event.taskId, ['verify'], event.failure);
  },
  [PUBLISHED.finalSyncApproved.stored]: (data) => {
    const { taskId } = PUBLISHED.finalSyncApproved.schema.parse(data);
    return fact(taskId, 'final-sync-approved');
  },
  [PUBLISHED.takeOverDeclared.stored]: (data) => {
    const { taskId } = PUBLISHED.takeOverDeclared.schema.parse(data);
    return fact(taskId, 'take-over-declared');
  },
};

/** @returns what a task has to be told of an event; null when no task is concerned */
export const noteWhatHappened = (event: Pick<PersistedEvent, 'storedType' | 'data'>): Note | null =>
  READERS[event.storedType]?.(event.data) ?? null;
