import { DomainError } from '#libs/eventsourcing';

export const notFound = (): DomainError =>
  new DomainError(
    'PROVISIONING.TARGET_VM_NOT_FOUND',
    'There is no such target VM.',
    'Use the id that the migration task names.',
  );

export const notReady = (): DomainError =>
  new DomainError(
    'PROVISIONING.TARGET_VM_NOT_READY',
    'The target VM is not ready.',
    'Wait until its restore environment has connected.',
  );

export const removed = (): DomainError =>
  new DomainError(
    'PROVISIONING.TARGET_VM_REMOVED',
    'The target VM was removed, or is about to be, because its task has ended.',
    'Create a new task, which gets a target VM of its own.',
  );

export const inProduction = (): DomainError =>
  new DomainError(
    'PROVISIONING.TARGET_VM_IN_PRODUCTION',
    'The target VM was booted from its own disk and may be in production, so it is not removed.',
    'Remove it at the hypervisor, if that is what is wanted.',
  );
