import type { Phase, PhaseName, TaskStatus } from '#libs/contracts';

/**
 * The ordered phases of a migration. It is recorded in the task when the task is created; a running task follows
 * what was recorded, not what stands here.
 */
export const STANDARD_ITINERARY: readonly Phase[] = [
  { name: 'prepare-target', action: 'create-target-vm', waitsFor: 'target-vm-ready', retryFrom: 'prepare-target' },
  { name: 'full-sync', action: 'start-full-sync', waitsFor: 'full-sync-completed', retryFrom: 'full-sync' },
  { name: 'keep-in-sync', action: 'allow-cutover', waitsFor: 'final-sync-approved', retryFrom: 'keep-in-sync' },
  { name: 'final-sync', action: 'start-final-sync', waitsFor: 'final-sync-completed', retryFrom: 'final-sync' },
  // What differs after the final round is mended by another final round, not by looking again.
  { name: 'verify', action: 'verify-replica', waitsFor: 'replica-verified', retryFrom: 'final-sync' },
  { name: 'take-over', action: 'take-over', waitsFor: 'take-over-declared', retryFrom: 'take-over' },
];

/** The one map from phase to the step that people see. */
const STEPS: Readonly<Record<PhaseName, string>> = {
  'prepare-target': 'Preparing the target VM',
  'full-sync': 'Full synchronization',
  'keep-in-sync': 'Keeping the target in sync, ready for cutover',
  'final-sync': 'Final synchronization',
  verify: 'Verifying the target against the source',
  'take-over': 'Target takes over',
};

/** What people see of a task that goes through its phases no more. */
const LAST_STEPS: Partial<Record<TaskStatus, string>> = {
  cancelling: 'Cancelled; what was created is kept for a while',
  'cleaning-up': 'Removing what was created',
  cancelled: 'Cancelled',
  completed: 'Completed',
};

export const stepOfPhase = (phase: PhaseName): string => STEPS[phase];

export const stepOf = ({ status, phase }: { readonly status: TaskStatus; readonly phase: PhaseName | null }): string =>
  LAST_STEPS[status] ?? (phase === null ? '' : STEPS[phase]);
