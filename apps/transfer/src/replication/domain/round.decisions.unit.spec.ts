import { describe, expect, it } from 'vitest';
import { uuidV5 } from '#libs/eventsourcing';
import { DeciderSpec, exampleContext } from '#libs/testing';
import * as example from '../replication.examples.js';
import { replicationDecider } from './replication.decider.js';
import type { ReplicationEvent } from './replication.events.js';

const {
  DISKS,
  EXPORTS,
  FAILING,
  FINAL_BEGUN,
  FINAL_DONE,
  FINAL_RUNNING,
  FULL_BEGUN,
  FULL_DONE,
  FULL_RUNNING,
  INCREMENTAL_BEGUN,
  INCREMENTAL_RUNNING,
  ORDER,
  ROUND_1,
  ROUND_2,
  ROUND_3,
  VERIFIED,
  VERIFYING,
  completed,
  differed,
  failed,
  failedForNow,
  finalSyncQueued,
  established,
  opened,
  prepared,
  preparedWith,
  resent,
  results,
  skipped,
  started,
  verificationFailed,
  windowOpened,
} = example;

const spec = DeciderSpec.of(replicationDecider);
/** The id of a round that the command of a spec starts. */
const newRound = uuidV5(exampleContext().commandId, 'round');
const startSync = (trigger: 'manual' | 'schedule', resend = false) =>
  ({ type: 'StartSyncRound', trigger, resend }) as const;
const complete = (roundId: string) => ({ type: 'CompleteSyncRound', roundId, disks: results() }) as const;
const fail = (roundId: string) => ({ type: 'FailSyncRound', roundId, ...FAILING }) as const;

describe('the full synchronization', () => {
  const command = { type: 'StartFullSync', replication: ORDER } as const;

  it('begins with saying which disks go where, and waits no longer than a window', () => {
    spec
      .given([])
      .when(command)
      .then([prepared, started(newRound, 1, 'full'), windowOpened(newRound, 1)]);
  });

  it('begins again after it failed, as a round of its own', () => {
    const history = [...FULL_RUNNING, failed(ROUND_1, 'full')];
    spec
      .given(history)
      .when(command)
      .then([started(newRound, 2, 'full'), windowOpened(newRound, 2)]);
  });

  it('is not begun while a round runs', () => {
    spec.given(FULL_RUNNING).when(command).thenRefused('TRANSFER.ROUND_RUNNING');
    spec.given(FULL_BEGUN).when(command).thenRefused('TRANSFER.ROUND_RUNNING');
  });

  it.each([
    ['it has completed', FULL_DONE],
    ['another round runs after it', INCREMENTAL_RUNNING],
    ['the target is verified', VERIFIED],
  ])('is not begun again once %s', (_when, history) => {
    spec.given(history).when(command).thenNothing();
  });
});

describe('a synchronization that somebody or the schedule asks for', () => {
  it.each(['manual', 'schedule'] as const)('is incremental after a full one: %s', (trigger) => {
    spec
      .given(FULL_DONE)
      .when(startSync(trigger))
      .then([started(newRound, 2, 'incremental', trigger), windowOpened(newRound, 2)]);
  });

  it('is full as long as none has completed', () => {
    spec
      .given([...FULL_RUNNING, failed(ROUND_1, 'full')])
      .when(startSync('manual'))
      .then([started(newRound, 2, 'full', 'manual'), windowOpened(newRound, 2)]);
  });

  it('begins again after a failed one', () => {
    spec
      .given([...INCREMENTAL_RUNNING, failed(ROUND_2, 'incremental')])
      .when(startSync('manual'))
      .then([started(newRound, 3, 'incremental', 'manual'), windowOpened(newRound, 3)]);
  });

  it('is mending when the target differed', () => {
    const history = [...VERIFYING, differed('ac')];
    spec.given(history).when(startSync('manual')).thenRefused('TRANSFER.FINAL_SYNC_PENDING');
  });

  it.each([
    ['a round runs', FULL_RUNNING, 'TRANSFER.ROUND_RUNNING', 'A synchronization round is running.'],
    [
      'the final one waits for it',
      [...INCREMENTAL_RUNNING, finalSyncQueued],
      'TRANSFER.FINAL_SYNC_PENDING',
      'The final synchronization has begun or is about to.',
    ],
    [
      'the final one runs',
      FINAL_RUNNING,
      'TRANSFER.FINAL_SYNC_PENDING',
      'The final synchronization has begun or is about to.',
    ],
    [
      'the final one is to be tried again',
      [...FINAL_RUNNING, ...failedForNow(ROUND_3, 'final', { generation: 3 })],
      'TRANSFER.FINAL_SYNC_PENDING',
      'The final synchronization has begun or is about to.',
    ],
    [
      'the final one is done',
      FINAL_DONE,
      'TRANSFER.FINAL_SYNC_PENDING',
      'The final synchronization has begun or is about to.',
    ],
    [
      'the target is verified',
      VERIFIED,
      'TRANSFER.FINISHED',
      'The target was verified for the take-over; its disks are not written any more.',
    ],
    ['it is paused', [...FULL_DONE, example.paused], 'TRANSFER.PAUSED', 'The task is paused.'],
    ['it is stopped', [...FULL_DONE, example.stopped], 'TRANSFER.STOPPED', 'The task was cancelled.'],
  ])('is refused to a person, and skipped with a reason for the schedule, while %s', (_when, history, code, reason) => {
    spec.given(history).when(startSync('manual')).thenRefused(code);
    spec
      .given(history)
      .when(startSync('schedule'))
      .then([skipped(reason)]);
  });

  it('is refused before there is a target', () => {
    spec.given([]).when(startSync('manual')).thenRefused('TRANSFER.NOT_STARTED');
    spec.given([]).when(startSync('schedule')).thenRefused('TRANSFER.NOT_STARTED');
  });
});

describe('sending everything again', () => {
  it('is a full round, whatever was completed before', () => {
    spec
      .given(FULL_DONE)
      .when(startSync('manual', true))
      .then([resent(started(newRound, 2, 'full', 'manual')), windowOpened(newRound, 2)]);
  });

  const always = preparedWith({ afterFailure: 'resend-everything' });
  const after = (history: readonly ReplicationEvent[]) => [always, ...history.slice(1)];
  const incrementalFailed = after([...INCREMENTAL_RUNNING, failed(ROUND_2, 'incremental')]);

  it('follows each failure when the settings say so, and only a failure', () => {
    spec
      .given(incrementalFailed)
      .when(startSync('schedule'))
      .then([resent(started(newRound, 3, 'incremental', 'schedule')), windowOpened(newRound, 3)]);
    spec
      .given(after(FULL_DONE))
      .when(startSync('schedule'))
      .then([started(newRound, 2, 'incremental', 'schedule'), windowOpened(newRound, 2)]);
  });

  it('is never part of a final round, during which the source is held still', () => {
    spec
      .given(incrementalFailed)
      .when({ type: 'StartFinalSync' })
      .then([started(newRound, 3, 'final'), windowOpened(newRound, 3)]);
  });
});

describe('the final synchronization', () => {
  const command = { type: 'StartFinalSync' } as const;

  it('begins at once when nothing runs, also when another round is to be tried again', () => {
    spec
      .given(FULL_DONE)
      .when(command)
      .then([started(newRound, 2, 'final'), windowOpened(newRound, 2)]);
    const retrying = [...INCREMENTAL_RUNNING, ...failedForNow(ROUND_2, 'incremental', { generation: 3 })];
    spec
      .given(retrying)
      .when(command)
      .then([started(newRound, 3, 'final'), windowOpened(newRound, 4)]);
  });

  it('waits for a round that runs, once', () => {
    spec.given(INCREMENTAL_RUNNING).when(command).then([finalSyncQueued]);
    spec
      .given([...INCREMENTAL_RUNNING, finalSyncQueued])
      .when(command)
      .thenNothing();
    spec.given(FINAL_RUNNING).when(command).thenNothing();
  });

  it.each([
    ['completes', complete(ROUND_2), completed(ROUND_2, 'incremental')],
    ['fails', fail(ROUND_2), failed(ROUND_2, 'incremental')],
  ])('begins in the moment in which the round before it %s', (_how, end, ended) => {
    spec
      .given([...INCREMENTAL_BEGUN, finalSyncQueued])
      .when(end)
      .then([ended, started(newRound, 3, 'final'), windowOpened(newRound, 3)]);
  });

  it.each([
    ['complete', complete(ROUND_2), completed(ROUND_2, 'incremental')],
    ['fail', fail(ROUND_2), failed(ROUND_2, 'incremental')],
  ])('waits on when the round before it turns out to %s in a pause, and begins with its end', (_how, end, ended) => {
    const history = [...INCREMENTAL_BEGUN, finalSyncQueued, example.paused];
    spec.given(history).when(end).then([ended]);
    spec
      .given([...history, ended])
      .when({ type: 'ResumeReplication' })
      .then([example.resumed, started(newRound, 3, 'final'), windowOpened(newRound, 3)]);
  });

  it('begins again after it failed, and after a verification that failed', () => {
    for (const [history, generation] of [
      [[...FINAL_RUNNING, failed(ROUND_3, 'final')], 3],
      [[...VERIFYING, verificationFailed], 4],
    ] as const) {
      spec
        .given(history)
        .when(command)
        .then([started(newRound, 3, 'final'), windowOpened(newRound, generation)]);
    }
  });

  it('relies on no digest after a target that differed from them, until the agent has forgotten them', () => {
    const doubted = [...VERIFYING, differed('ac')];
    spec
      .given(doubted)
      .when(command)
      .then([resent(started(newRound, 3, 'final')), windowOpened(newRound, 4)]);
    const again = [...doubted, resent(started(ROUND_2, 3, 'final'))];
    const isResent = (history: typeof again) => {
      const [event] = spec.given([...history, failed(ROUND_2, 'final')]).when(command).events;
      return event?.type === 'SyncRoundStarted' && event.data.resend === true;
    };
    expect(isResent(again)).toBe(true);
    expect(isResent([...again, opened(ROUND_2), established(ROUND_2)])).toBe(false);
  });

  it.each([
    ['there is no replication', [], 'TRANSFER.NOT_STARTED'],
    ['no full synchronization has completed', FULL_RUNNING, 'TRANSFER.NO_FULL_SYNC'],
    ['the target is being verified', VERIFYING, 'TRANSFER.ROUND_RUNNING'],
    ['the target is verified', VERIFIED, 'TRANSFER.FINISHED'],
    ['it is paused', [...INCREMENTAL_RUNNING, example.paused], 'TRANSFER.PAUSED'],
    ['it is stopped', [...FULL_DONE, example.stopped], 'TRANSFER.STOPPED'],
  ])('is refused while %s', (_when, history, code) => {
    spec.given(history).when(command).thenRefused(code);
  });
});

describe('the end of a round', () => {
  const open = (roundId: string) => ({ type: 'NoteExportsOpened', roundId, attempt: 1, exports: EXPORTS }) as const;

  it('is its completion, with the bytes and digests of each disk', () => {
    spec
      .given(FULL_BEGUN)
      .when(complete(ROUND_1))
      .then([completed(ROUND_1, 'full')]);
  });

  it('is its completion also when the disks are not served any more by the time that it is heard of', () => {
    spec
      .given(example.LINK_LOST)
      .when(complete(ROUND_1))
      .then([completed(ROUND_1, 'full')]);
  });

  it('is a failure, before or after it began, with what is lost and what is kept', () => {
    for (const history of [FULL_RUNNING, [...FULL_RUNNING, opened(ROUND_1)], FULL_BEGUN]) {
      spec
        .given(history)
        .when(fail(ROUND_1))
        .then([failed(ROUND_1, 'full')]);
    }
    expect(example.FAILURE).toMatchObject({ lost: expect.any(String), kept: expect.any(String) });
  });

  it('leaves nothing to wait for', () => {
    for (const end of [complete(ROUND_1), fail(ROUND_1)]) {
      const { state } = spec.given([...example.LINK_LOST, example.left(ROUND_1, 'agent')]).when(end);
      expect(state).toMatchObject({ round: null, window: null, away: [] });
    }
  });

  it.each([
    ['no round', FULL_DONE, ROUND_1],
    ['another round', INCREMENTAL_RUNNING, ROUND_1],
  ])('is refused when it comes late and %s runs', (_what, history, roundId) => {
    for (const late of [open(roundId), complete(roundId), fail(roundId)]) {
      spec.given(history).when(late).thenRefused('TRANSFER.ROUND_UNKNOWN');
    }
  });
});

describe('the state of a replication', () => {
  it('forgets what was proven of the target as soon as it is written again', () => {
    const { state } = spec.given([...VERIFYING, differed('ac'), started(ROUND_2, 3, 'final')]);
    expect(state).toMatchObject({ verification: null, finalSyncCompleted: false, round: { kind: 'final' } });
  });

  it('keeps the exports of the attempt in hand until its end', () => {
    expect(spec.given(FULL_RUNNING).state).toMatchObject({ round: { roundId: ROUND_1, exports: null } });
    expect(spec.given(FULL_BEGUN).state).toMatchObject({ round: { exports: EXPORTS } });
    expect(spec.given(FULL_DONE).state).toMatchObject({ round: null, disks: DISKS, roundsStarted: 1 });
  });

  it('is complete in the end only after a final round', () => {
    expect(spec.given(FINAL_BEGUN).state).toMatchObject({ fullSyncCompleted: true, finalSyncCompleted: false });
    expect(spec.given(FINAL_DONE).state).toMatchObject({ finalSyncCompleted: true });
  });

  it('takes the default settings and SHA-256 for a replication of earlier versions', () => {
    const { settings, ...order } = ORDER;
    const earlier: ReplicationEvent = { type: 'ReplicationPrepared', data: order };
    expect(spec.given([earlier]).state).toMatchObject({ settings: { ...settings, digestAlgorithm: 'sha256' } });
  });
});
