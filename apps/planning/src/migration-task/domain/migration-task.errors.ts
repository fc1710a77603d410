import { DomainError } from '#libs/eventsourcing';

export const taskNotFound = (taskId: string): DomainError =>
  new DomainError(
    'PLANNING.TASK_NOT_FOUND',
    `There is no migration task ${taskId}.`,
    'List the tasks and use an id of theirs.',
  );

export const taskEnded = (): DomainError =>
  new DomainError(
    'PLANNING.TASK_ENDED',
    'The migration task has ended.',
    'Create a new task to migrate the machine again.',
  );

export const taskNotHalted = (): DomainError =>
  new DomainError(
    'PLANNING.TASK_NOT_HALTED',
    'The migration task is not halted, so there is nothing to retry.',
    'Look at its current step; request a synchronization if you want one now.',
  );

export const taskPaused = (): DomainError =>
  new DomainError('PLANNING.TASK_PAUSED', 'The migration task is paused.', 'Resume the task first.');

export const taskNotPaused = (): DomainError =>
  new DomainError(
    'PLANNING.TASK_NOT_PAUSED',
    'The migration task is not paused, so there is nothing to resume.',
    'Look at its current step; retry the task if it is halted.',
  );

export const taskCancelled = (): DomainError =>
  new DomainError(
    'PLANNING.TASK_CANCELLED',
    'The migration task is cancelled, and what was created for it is going to be removed.',
    'Withdraw the cancellation within its grace period, or create a new task after the clean-up.',
  );

export const cleaningUp = (): DomainError =>
  new DomainError(
    'PLANNING.TASK_CANCELLED',
    'What was created for the migration task is being removed; that cannot be taken back.',
    'Wait for the end of the clean-up, then create a new task to migrate the machine again.',
  );

export const taskNotCancelled = (): DomainError =>
  new DomainError(
    'PLANNING.TASK_NOT_CANCELLED',
    'The migration task is not cancelled, so there is nothing to withdraw.',
    'Look at its current step.',
  );

export const tooLateToCancel = (): DomainError =>
  new DomainError(
    'PLANNING.TOO_LATE_TO_CANCEL',
    'The target has begun to take over, so the migration task cannot be cancelled any more.',
    'Let the take-over end; retry the task if it is halted.',
  );

export const throttleInvalid = (text: string): DomainError =>
  new DomainError(
    'PLANNING.THROTTLE_INVALID',
    `The caps cannot be used: ${text}`,
    'Give the calendar an IANA time zone such as Europe/Berlin, and windows that end after they begin or on the next day.',
  );
