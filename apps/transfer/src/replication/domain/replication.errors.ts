import { DomainError } from '#libs/eventsourcing';

export const notStarted = (): DomainError =>
  new DomainError(
    'TRANSFER.NOT_STARTED',
    'The transfer of this task has not begun.',
    'Wait until the target VM is prepared and the full synchronization begins.',
  );

export const roundRunning = (): DomainError =>
  new DomainError(
    'TRANSFER.ROUND_RUNNING',
    'A synchronization round is running.',
    'Wait for its end; its changes are covered by the next round.',
  );

export const finalSyncPending = (): DomainError =>
  new DomainError(
    'TRANSFER.FINAL_SYNC_PENDING',
    'The final synchronization has begun or is about to.',
    'Wait for the cutover to end.',
  );

export const verifying = (): DomainError =>
  new DomainError('TRANSFER.ROUND_RUNNING', 'The target is being verified.', 'Wait for the verification to end.');

export const noFullSync = (): DomainError =>
  new DomainError(
    'TRANSFER.NO_FULL_SYNC',
    'No full synchronization has completed yet.',
    'Let the full synchronization complete first.',
  );

export const noFinalSync = (): DomainError =>
  new DomainError(
    'TRANSFER.NO_FINAL_SYNC',
    'The final synchronization has not completed, so there is nothing to verify against.',
    'Let the final synchronization complete first.',
  );

export const roundUnknown = (roundId: string): DomainError =>
  new DomainError(
    'TRANSFER.ROUND_UNKNOWN',
    `Round ${roundId} is not the one in hand.`,
    'Drop the report; the round has ended.',
  );

export const notItsTask = (): DomainError =>
  new DomainError(
    'TRANSFER.NOT_ITS_TASK',
    'This endpoint is not the end of the task that such a report comes from.',
    'Drop the report.',
  );

export const finished = (): DomainError =>
  new DomainError(
    'TRANSFER.FINISHED',
    'The target was verified for the take-over; its disks are not written any more.',
    'Create a new task to migrate the machine again.',
  );

export const paused = (): DomainError =>
  new DomainError('TRANSFER.PAUSED', 'The task is paused.', 'Resume the task first.');

export const stopped = (): DomainError =>
  new DomainError('TRANSFER.STOPPED', 'The task was cancelled.', 'Withdraw the cancellation, or create a new task.');
