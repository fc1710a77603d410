import type { Assignment } from '#libs/contracts';
import type { ReplicationState } from './replication.state.js';

const IDLE: Assignment = { kind: 'idle', assignmentId: 'idle' };

/** What each end of a replication should be doing, derived from its state alone; sent again after every reconnect. */
export interface WantedAssignments {
  readonly agent: Assignment;
  readonly restorer: Assignment;
}

export const wantedAssignments = (state: ReplicationState): WantedAssignments => {
  if (state === null) return { agent: IDLE, restorer: IDLE };
  const { taskId, round, disks, verification } = state;
  const targets = disks.map(({ diskId, sizeBytes }) => ({ diskId, sizeBytes }));
  if (round !== null) {
    const restorer: Assignment = { kind: 'serve-exports', assignmentId: round.roundId, taskId, disks: targets };
    if (round.exports === null) return { agent: IDLE, restorer };
    const exportOf = new Map(round.exports.map((exported) => [exported.diskId, exported.export]));
    const sources = disks.flatMap((disk) => {
      const served = exportOf.get(disk.diskId);
      return served === undefined ? [] : [{ ...disk, export: served }];
    });
    return {
      agent: { kind: 'sync-round', assignmentId: round.roundId, taskId, roundKind: round.kind, disks: sources },
      restorer,
    };
  }
  if (verification?.status === 'running') {
    const { verificationId } = verification;
    return { agent: IDLE, restorer: { kind: 'compute-digests', assignmentId: verificationId, taskId, disks: targets } };
  }
  return { agent: IDLE, restorer: IDLE };
};
