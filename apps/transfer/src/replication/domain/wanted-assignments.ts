import type { Assignment, ServeExportsAssignment } from '#libs/contracts';
import { type Replication, type ReplicationState, type RoundInHand, attemptIdOf } from './replication.state.js';

const IDLE: Assignment = { kind: 'idle', assignmentId: 'idle' };

/** What each end of a replication should be doing, derived from its state alone; sent again after every reconnect. */
export interface WantedAssignments {
  readonly agent: Assignment;
  readonly restorer: Assignment;
}

const AT_REST: WantedAssignments = { agent: IDLE, restorer: IDLE };

export const wantedAssignments = (state: ReplicationState): WantedAssignments => {
  if (state === null || state.isPaused || state.isStopped) return AT_REST;
  const { taskId, round, verification } = state;
  if (round !== null) return wantedInRound(state, round);
  if (verification?.status !== 'running') return AT_REST;
  const { verificationId } = verification;
  const disks = targetsOf(state);
  // As the round did it that is to be proven, whatever the settings say: an agent of an earlier version has no choice.
  const digestAlgorithm = state.sourceDigests[0]?.digestAlgorithm ?? state.settings.digestAlgorithm;
  const ofVerification = { assignmentId: verificationId, taskId, digestAlgorithm };
  return { agent: IDLE, restorer: { kind: 'compute-digests', ...ofVerification, disks } };
};

const targetsOf = ({ disks }: Replication): { diskId: string; sizeBytes: number }[] =>
  disks.map(({ diskId, sizeBytes }) => ({ diskId, sizeBytes }));

/** What the verification found different is repaired by the round. */
const targetsInRound = (state: Replication): ServeExportsAssignment['disks'] =>
  targetsOf(state).map((disk) =>
    state.verification?.differing.includes(disk.diskId) === true ? { ...disk, differs: true } : disk,
  );

/** The restore environment serves first; the agent begins once it does. */
const wantedInRound = (state: Replication, round: RoundInHand): WantedAssignments => {
  const { taskId, settings } = state;
  const { roundId, attempt, kind: roundKind, resend } = round;
  const ofAttempt = { assignmentId: attemptIdOf(round), taskId, roundId, attempt };
  const restorer: Assignment = { kind: 'serve-exports', ...ofAttempt, disks: targetsInRound(state) };
  if (round.exports === null) return { agent: IDLE, restorer };
  const servedAs = new Map(round.exports.map((exported) => [exported.diskId, exported]));
  const disks = state.disks.flatMap((disk) => {
    const served = servedAs.get(disk.diskId);
    return served === undefined ? [] : [{ ...disk, ...served }];
  });
  const { digestAlgorithm, throttle } = settings;
  return {
    agent: { kind: 'sync-round', ...ofAttempt, roundKind, resend, digestAlgorithm, throttle, disks },
    restorer,
  };
};
