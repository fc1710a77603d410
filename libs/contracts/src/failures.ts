import * as z from 'zod';
import { endpointFailureCode } from './control-channel.js';
import type { Failure } from './published-events.js';

/** How the work of a replication can fail: at an end, or by what the services see. Closed list. */
export const replicationFailureCode = z.enum([
  ...endpointFailureCode.options,
  'RESUME_WINDOW_EXPIRED',
  'AGENT_LOST',
  'RESTORER_LOST',
  'RESTORER_RESTARTED',
  'LINK_UNSTABLE',
  'DIGESTS_NOT_COMPARABLE',
  'TASK_CANCELLED',
]);
export type ReplicationFailureCode = z.infer<typeof replicationFailureCode>;

export interface FailureMeaning {
  readonly remedy: string;
  readonly lost: string;
  readonly kept: string;
  /** `by-itself`: it may pass, so the round is tried again after a while. `later`: by a person, or at the next time point. */
  readonly retry: 'by-itself' | 'later';
}

const KEPT = 'Everything that the target acknowledged; the next round compares digests and sends only what differs.';
const IN_FLIGHT = 'What was on its way and not yet acknowledged.';

const later = (remedy: string): FailureMeaning => ({ remedy, lost: IN_FLIGHT, kept: KEPT, retry: 'later' });
const byItself = (remedy: string): FailureMeaning => ({ ...later(remedy), retry: 'by-itself' });

/** What each code means: the remedy, what was lost, what was kept, and whether it is tried again by itself. */
export const FAILURES: Readonly<Record<ReplicationFailureCode, FailureMeaning>> = {
  DATA_PATH_LOST: later('Check the network between source and target, then request another synchronization.'),
  DATA_PATH_UNTRUSTED: later(
    'Something on the path is not the other end, or an end cannot encrypt: look for what listens in between, let clocks be right to within months, and update the older end; then request another synchronization.',
  ),
  SOURCE_READ_FAILED: later(
    'Check the source disk for errors (dmesg, smartctl), then request another synchronization.',
  ),
  SOURCE_DISK_CHANGED: later('The source disk is gone or has another size; restore it, or create a new task.'),
  USED_BLOCKS_UNKNOWN: byItself(
    'The used blocks of a file system could not be listed; see the detail, then request another synchronization.',
  ),
  DIGEST_TABLE_FAILED: later(
    'The agent could not read or write its digests: make room on the disk of its state folder, or check that disk for errors (df, dmesg); then request another synchronization.',
  ),
  TARGET_WRITE_FAILED: later("Check the target's storage, then request another synchronization."),
  TARGET_DISK_FULL: later("Make room on the target's storage, then request another synchronization."),
  TARGET_DISK_MISSING: later('The target VM lacks a disk that the task needs; recreate the target.'),
  EXPORT_FAILED: byItself("See the restore environment's log, then request another synchronization."),
  ENDPOINT_RESTARTED: later('The agent or its machine was restarted; request another synchronization.'),
  INTERNAL_ERROR: later('Collect the log of the program that failed and report it.'),
  RESUME_WINDOW_EXPIRED: later(
    'Restore the path between source and target; the next synchronization time point, or a manual synchronization, goes on.',
  ),
  AGENT_LOST: later(
    'Check that the source machine runs and its agent reaches the server, then request another synchronization.',
  ),
  RESTORER_LOST: later(
    'Check that the target VM runs its restore environment and reaches the server, then request another synchronization.',
  ),
  RESTORER_RESTARTED: later(
    'The restore environment was restarted; its disks keep what was flushed. Request another synchronization.',
  ),
  LINK_UNSTABLE: later(
    'The path between source and target breaks again and again; mend it, then request another synchronization.',
  ),
  DIGESTS_NOT_COMPARABLE: later(
    'Source and target were digested in different ways, so nothing is known about their being equal. Update the agent and the restore environment to one version, then retry the final synchronization.',
  ),
  TASK_CANCELLED: later('The task was cancelled; withdraw the cancellation to go on.'),
};

/** What an operator gets to see of a failure. */
export const failureFor = (code: ReplicationFailureCode, detail: string): Failure => {
  const { remedy, lost, kept } = FAILURES[code];
  return { code, detail, remedy, lost, kept };
};
