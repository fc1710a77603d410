import { describe, expect, it } from 'vitest';
import { assignment } from '#libs/contracts';
import { fold } from '#libs/eventsourcing';
import {
  DISKS,
  EXPORTS,
  FINAL_DONE,
  FINAL_RUNNING,
  FULL_DONE,
  FULL_RUNNING,
  ROUND_1,
  ROUND_3,
  TASK,
  VERIFICATION,
  VERIFIED,
  VERIFYING,
  differed,
  failed,
  opened,
  verificationFailed,
} from '../replication.examples.js';
import { replicationDecider } from './replication.decider.js';
import type { ReplicationEvent } from './replication.events.js';
import { wantedAssignments } from './wanted-assignments.js';

const wantedAfter = (history: readonly ReplicationEvent[]) => {
  const wanted = wantedAssignments(fold(replicationDecider, history));
  // What does not have the shape of an assignment would never reach its end.
  assignment.parse(wanted.agent);
  assignment.parse(wanted.restorer);
  return wanted;
};

const idle = { kind: 'idle', assignmentId: 'idle' };
const targets = DISKS.map(({ diskId, sizeBytes }) => ({ diskId, sizeBytes }));

describe('what the two ends should be doing', () => {
  it.each([
    ['there is no replication', []],
    ['a round is done', FULL_DONE],
    ['a round has failed', [...FULL_RUNNING, failed(ROUND_1, 'full')]],
    ['the final round is done', FINAL_DONE],
    ['the target is verified', VERIFIED],
    ['the target differed', [...VERIFYING, differed('ac')]],
    ['the verification failed', [...VERIFYING, verificationFailed]],
  ])('is nothing when %s', (_when, history) => {
    expect(wantedAfter(history)).toEqual({ agent: idle, restorer: idle });
  });

  it('is serving the target disks first, while the agent waits', () => {
    expect(wantedAfter(FULL_RUNNING)).toEqual({
      agent: idle,
      restorer: { kind: 'serve-exports', assignmentId: ROUND_1, taskId: TASK, disks: targets },
    });
  });

  it.each([
    ['full', [...FULL_RUNNING, opened(ROUND_1)], ROUND_1],
    ['final', [...FINAL_RUNNING, opened(ROUND_3)], ROUND_3],
  ] as const)('is a %s round over every disk once they are served', (roundKind, history, roundId) => {
    expect(wantedAfter(history)).toEqual({
      agent: {
        kind: 'sync-round',
        assignmentId: roundId,
        taskId: TASK,
        roundKind,
        disks: DISKS.map((disk, index) => ({ ...disk, export: EXPORTS[index]!.export })),
      },
      restorer: { kind: 'serve-exports', assignmentId: roundId, taskId: TASK, disks: targets },
    });
  });

  it('is digesting the target while it is verified', () => {
    expect(wantedAfter(VERIFYING)).toEqual({
      agent: idle,
      restorer: { kind: 'compute-digests', assignmentId: VERIFICATION, taskId: TASK, disks: targets },
    });
  });

  it('gives each disk its own export, whatever their order', () => {
    const event = { ...opened(ROUND_1), data: { ...opened(ROUND_1).data, exports: EXPORTS.toReversed() } };
    const { agent } = wantedAfter([...FULL_RUNNING, event as ReplicationEvent]);
    expect(agent).toMatchObject({
      disks: [{ export: { exportName: 'disk-a' } }, { export: { exportName: 'disk-b' } }],
    });
  });
});
