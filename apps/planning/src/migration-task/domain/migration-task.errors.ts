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
