import { describe, expect, it } from 'vitest';
import { DEFAULT_THROTTLE, UNLIMITED_THROTTLE, assignment } from '#libs/contracts';
import { fold, uuidV5 } from '#libs/eventsourcing';
import * as example from '../replication.examples.js';
import { replicationDecider } from './replication.decider.js';
import type { ReplicationEvent } from './replication.events.js';
import { wantedAssignments } from './wanted-assignments.js';

const {
  DIGESTING,
  DISKS,
  EXPORTS,
  FINAL_BEGUN,
  FINAL_DONE,
  FULL_BEGUN,
  FULL_DONE,
  FULL_RUNNING,
  LINK_LOST,
  ROUND_1,
  ROUND_2,
  ROUND_3,
  ROUND_4,
  SETTINGS,
  TASK,
  VERIFICATION,
  VERIFIED,
  VERIFYING,
  failed,
  failedForNow,
  opened,
  paused,
  prepared,
  preparedWith,
  resent,
  results,
  resumed,
  started,
  stopped,
  windowOpened,
} = example;

const wantedAfter = (history: readonly ReplicationEvent[]) => {
  const wanted = wantedAssignments(fold(replicationDecider, history));
  // What does not have the shape of an assignment would never reach its end.
  assignment.parse(wanted.agent);
  assignment.parse(wanted.restorer);
  return wanted;
};

const idle = { kind: 'idle', assignmentId: 'idle' };
const targets = DISKS.map(({ diskId, sizeBytes }) => ({ diskId, sizeBytes }));
const ofAttempt = (roundId: string, attempt: number) => ({
  assignmentId: uuidV5(roundId, `attempt:${attempt}`),
  taskId: TASK,
  roundId,
  attempt,
});
const serving = (roundId: string, attempt: number) => ({
  kind: 'serve-exports',
  ...ofAttempt(roundId, attempt),
  disks: targets,
});
const syncing = (roundId: string, attempt: number, roundKind: string) => ({
  kind: 'sync-round',
  ...ofAttempt(roundId, attempt),
  roundKind,
  resend: false,
  digestAlgorithm: 'blake3',
  throttle: DEFAULT_THROTTLE,
  disks: DISKS.map((disk, index) => ({ ...disk, export: EXPORTS[index]!.export })),
});

describe('what the two ends should be doing', () => {
  it.each<[string, readonly ReplicationEvent[]]>([
    ['there is no replication', []],
    ['a round is done', FULL_DONE],
    ['a round has failed', [...FULL_BEGUN, failed(ROUND_1, 'full')]],
    ['a round is to be tried again', [...FULL_BEGUN, ...failedForNow(ROUND_1, 'full')]],
    ['a round is paused', [...FULL_BEGUN, paused]],
    ['a verification is paused', [...DIGESTING, paused]],
    ['the task is cancelled', [...FULL_BEGUN, failed(ROUND_1, 'full'), stopped]],
    ['the final round is done', FINAL_DONE],
    ['the target is verified', VERIFIED],
    ['the target differed', example.DIFFERED],
    ['the verification failed', [...DIGESTING, example.verificationFailed]],
  ])('is nothing when %s', (_when, history) => {
    expect(wantedAfter(history)).toEqual({ agent: idle, restorer: idle });
  });

  it('is serving the target disks first, while the agent waits', () => {
    expect(wantedAfter(FULL_RUNNING)).toEqual({ agent: idle, restorer: serving(ROUND_1, 1) });
  });

  it.each([
    ['full', FULL_BEGUN, ROUND_1],
    ['final', FINAL_BEGUN, ROUND_3],
  ] as const)(
    'is a %s round over every disk once they are served, whether the link is there or not',
    (kind, history, id) => {
      const wanted = { agent: syncing(id, 1, kind), restorer: serving(id, 1) };
      expect(wantedAfter(history)).toEqual(wanted);
      expect(wantedAfter(history.slice(0, history.findLastIndex(({ type }) => type === 'ExportsOpened') + 1))).toEqual(
        wanted,
      );
    },
  );

  it('is serving them afresh when the link is lost, while the agent waits; then going on', () => {
    expect(wantedAfter(LINK_LOST)).toEqual({ agent: idle, restorer: serving(ROUND_1, 2) });
    expect(wantedAfter([...LINK_LOST, opened(ROUND_1, 2)])).toEqual({
      agent: syncing(ROUND_1, 2, 'full'),
      restorer: serving(ROUND_1, 2),
    });
  });

  it('is the same as ever while an end has no control channel: data goes on', () => {
    const away = [...FULL_BEGUN, example.left(ROUND_1, 'agent'), windowOpened(ROUND_1, 2, 'agent-away')];
    expect(wantedAfter(away)).toEqual(wantedAfter(FULL_BEGUN));
  });

  it('is the next attempt after a pause', () => {
    const history = [...FULL_BEGUN, paused, resumed, windowOpened(ROUND_1, 2)];
    expect(wantedAfter(history)).toEqual({ agent: idle, restorer: serving(ROUND_1, 2) });
  });

  it('is sending everything again when that is wished', () => {
    const history = [...FULL_DONE, resent(started(ROUND_2, 2, 'full', 'manual')), opened(ROUND_2)];
    expect(wantedAfter(history).agent).toEqual({ ...syncing(ROUND_2, 1, 'full'), resend: true });
  });

  it('is digesting the target while it is verified, also when it began before', () => {
    const wanted = {
      agent: idle,
      restorer: {
        ...{ kind: 'compute-digests', assignmentId: VERIFICATION, taskId: TASK },
        ...{ digestAlgorithm: 'blake3', disks: targets },
      },
    };
    expect(wantedAfter(VERIFYING)).toEqual(wanted);
    expect(wantedAfter(DIGESTING)).toEqual(wanted);
  });

  it('is digesting in the way that the task was ordered with', () => {
    const history = [preparedWith({ digestAlgorithm: 'sha256' }), ...FULL_BEGUN.slice(1)];
    expect(wantedAfter(history).agent).toMatchObject({ kind: 'sync-round', digestAlgorithm: 'sha256' });
  });

  it('is SHA-256 in a task from before there was a choice, with settings or without', () => {
    for (const settings of [undefined, { ...SETTINGS, digestAlgorithm: undefined }]) {
      const old = { ...prepared, data: { ...prepared.data, settings } } as ReplicationEvent;
      expect(wantedAfter([old, ...FULL_BEGUN.slice(1)]).agent).toMatchObject({ digestAlgorithm: 'sha256' });
    }
  });

  it('is digesting the target as the agent digested the source, whatever the task was ordered with', () => {
    const disks = results().map((disk) => ({ ...disk, digestAlgorithm: 'sha256' as const }));
    const history = VERIFYING.map((event) =>
      event.type === 'SyncRoundCompleted' ? { ...event, data: { ...event.data, disks } } : event,
    );
    expect(wantedAfter(history).restorer).toMatchObject({ kind: 'compute-digests', digestAlgorithm: 'sha256' });
  });

  it('is repairing the disks that a verification found different, in every attempt and retry', () => {
    const [diskA, diskB] = targets;
    const repairing = (id: string, attempt: number) => ({
      ...serving(id, attempt),
      disks: [diskA, { ...diskB, differs: true }],
    });
    expect(wantedAfter(example.REPAIR_RUNNING)).toEqual({ agent: idle, restorer: repairing(ROUND_4, 1) });
    const groupDigests = { host: '127.0.0.1', port: 10_900, exportName: '' };
    const served = { ...opened(ROUND_4, 2) } as ReplicationEvent & { type: 'ExportsOpened' };
    const exports = [EXPORTS[0]!, { ...EXPORTS[1]!, groupDigests }];
    const again = [
      ...[...example.REPAIR_BEGUN, example.linkLost(ROUND_4), windowOpened(ROUND_4, 5, 'link-lost')],
      { ...served, data: { ...served.data, exports } },
    ];
    const agent = syncing(ROUND_4, 2, 'final');
    expect(wantedAfter(again)).toEqual({
      agent: { ...agent, disks: [agent.disks[0], { ...agent.disks[1]!, groupDigests }] },
      restorer: repairing(ROUND_4, 2),
    });
    const retried = [...example.REPAIR_BEGUN, ...failedForNow(ROUND_4, 'final'), started(ROUND_2, 4, 'final', 'retry')];
    expect(wantedAfter(retried).restorer).toEqual(repairing(ROUND_2, 1));
    expect(wantedAfter(example.REPAIR_DONE).restorer).toMatchObject({ kind: 'compute-digests', disks: targets });
  });

  it('gives each disk its own export, whatever their order', () => {
    const event = { ...opened(ROUND_1), data: { ...opened(ROUND_1).data, exports: EXPORTS.toReversed() } };
    const { agent } = wantedAfter([...FULL_RUNNING, event as ReplicationEvent]);
    expect(agent).toMatchObject({
      disks: [{ export: { exportName: 'disk-a' } }, { export: { exportName: 'disk-b' } }],
    });
  });
});

it('other caps are part of the same assignment: the round in hand takes them up and goes on', () => {
  const throttle = { ...UNLIMITED_THROTTLE, storageShare: 0.5 };
  const before = wantedAfter(FULL_BEGUN).agent;
  const after = wantedAfter([...FULL_BEGUN, { type: 'ReplicationThrottled', data: { taskId: TASK, throttle } }]).agent;
  expect(before).toMatchObject({ throttle: DEFAULT_THROTTLE });
  expect(after).toEqual({ ...before, throttle });
});
