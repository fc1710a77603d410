import { describe, expect, it } from 'vitest';
import { DEFAULT_THROTTLE, UNLIMITED_THROTTLE, failureFor } from '#libs/contracts';
import { DeciderSpec } from '#libs/testing';
import * as example from '../replication.examples.js';
import { replicationDecider } from './replication.decider.js';
import type { ReplicationEvent } from './replication.events.js';
import { dueAtOf } from './replication.state.js';

const {
  DIGESTING,
  FULL_BEGUN,
  FULL_DONE,
  FULL_RUNNING,
  INCREMENTAL_BEGUN,
  LINK_LOST,
  ROUND_1,
  ROUND_2,
  SETTINGS,
  TASK,
  VERIFICATION,
  VERIFYING,
  after,
  failed,
  failedForNow,
  finalSyncQueued,
  left,
  opened,
  paused,
  prepared,
  reinstated,
  resumed,
  results,
  stopped,
  windowOpened,
} = example;

const spec = DeciderSpec.of(replicationDecider);
const pause = { type: 'PauseReplication' } as const;
const resume = { type: 'ResumeReplication' } as const;
const stop = { type: 'StopReplication' } as const;
const reinstate = { type: 'ReinstateReplication' } as const;

describe('a replication that is paused', () => {
  it.each<[string, readonly ReplicationEvent[]]>([
    ['nothing runs', FULL_DONE],
    ['a round begins', FULL_RUNNING],
    ['a round transfers', FULL_BEGUN],
    ['its link is lost', LINK_LOST],
    ['the target is verified', DIGESTING],
    ['a round is to be tried again', [...FULL_BEGUN, ...failedForNow(ROUND_1, 'full')]],
  ])('is so once, while %s, and nothing comes due', (_while, history) => {
    spec.given(history).when(pause).then([paused]);
    spec
      .given([...history, paused])
      .when(pause)
      .thenNothing();
    expect(dueAtOf(spec.given([...history, paused]).state)).toBeNull();
  });

  it('keeps its round, without what belonged to the attempt', () => {
    expect(spec.given([...FULL_BEGUN, opened(ROUND_1), left(ROUND_1, 'agent'), paused]).state).toMatchObject({
      round: { roundId: ROUND_1, attempt: 1, exports: null, link: 'awaited', comparison: 'all-blocks' },
      window: null,
      away: [],
      isPaused: true,
    });
    expect(spec.given([...DIGESTING, paused]).state).toMatchObject({
      verification: { verificationId: VERIFICATION, status: 'running', isBegun: false },
    });
  });

  it('goes on with the next attempt, which has a window from now on', () => {
    for (const [history, generation] of [
      [FULL_BEGUN, 2],
      [FULL_RUNNING, 2],
      [LINK_LOST, 3],
    ] as const) {
      const { attempt } = spec.given(history).state!.round!;
      const resting = [...history, paused];
      const going = spec.given(resting).when(resume, { now: after(5000) });
      going.then([resumed, windowOpened(ROUND_1, generation, 'begin', 5000)]);
      expect(going.state).toMatchObject({ isPaused: false, round: { attempt: attempt + 1, link: 'awaited' } });
    }
  });

  it('goes on with its verification', () => {
    spec
      .given([...VERIFYING, paused])
      .when(resume)
      .then([resumed, windowOpened(VERIFICATION, 4)]);
  });

  it('goes on with nothing when nothing was in hand', () => {
    spec
      .given([...FULL_DONE, paused])
      .when(resume)
      .then([resumed]);
    for (const history of [FULL_DONE, FULL_BEGUN]) spec.given(history).when(resume).thenNothing();
  });

  it('begins no full synchronization', () => {
    spec
      .given([...FULL_RUNNING, failed(ROUND_1, 'full'), paused])
      .when({ type: 'StartFullSync', replication: example.ORDER })
      .thenRefused('TRANSFER.PAUSED');
  });

  it('takes the end of the round that was on its way, and tries it again only after the pause', () => {
    const resting = [...FULL_BEGUN, paused];
    spec
      .given(resting)
      .when({ type: 'CompleteSyncRound', roundId: ROUND_1, disks: results() })
      .then([example.completed(ROUND_1, 'full')]);
    const { state } = spec.given(resting).when({ type: 'FailSyncRound', roundId: ROUND_1, ...example.PASSING });
    expect(state).toMatchObject({ round: null, retry: { retryAt: after(60) } });
    expect(dueAtOf(state)).toBeNull();
  });
});

describe('a replication that is stopped', () => {
  const failure = failureFor('TASK_CANCELLED', 'The task was cancelled.');
  const cancelled = failed(ROUND_1, 'full', failure);

  it.each<[string, readonly ReplicationEvent[]]>([
    ['begins', FULL_RUNNING],
    ['transfers', FULL_BEGUN],
    ['has lost its link', LINK_LOST],
    ['is paused', [...FULL_BEGUN, paused]],
  ])('ends its round, which %s, and is not tried again', (_how, history) => {
    const ended = spec.given(history).when(stop);
    ended.then([cancelled, stopped]);
    expect(ended.state).toMatchObject({ round: null, window: null, isPaused: false, isStopped: true });
    expect(dueAtOf(ended.state)).toBeNull();
  });

  it('ends its verification', () => {
    const ended: ReplicationEvent = {
      type: 'VerificationFailed',
      data: { taskId: TASK, verificationId: VERIFICATION, failure },
    };
    for (const history of [VERIFYING, DIGESTING]) spec.given(history).when(stop).then([ended, stopped]);
  });

  it('forgets the final round that waited, and the round that was to be tried again', () => {
    const queued = spec.given([...INCREMENTAL_BEGUN, finalSyncQueued]).when(stop);
    queued.then([failed(ROUND_2, 'incremental', failure), stopped]);
    expect(queued.state).toMatchObject({ finalSyncQueued: false });
    const retrying = spec.given([...FULL_BEGUN, ...failedForNow(ROUND_1, 'full')]).when(stop);
    retrying.then([stopped]);
    expect(retrying.state).toMatchObject({ retry: null });
  });

  it('is so once, is not paused, and not before there is one', () => {
    spec.given([prepared]).when(stop).then([stopped]);
    for (const command of [stop, pause, resume]) {
      spec
        .given([...FULL_DONE, stopped])
        .when(command)
        .thenNothing();
    }
    for (const command of [stop, pause, resume, reinstate]) {
      spec.given([]).when(command).thenRefused('TRANSFER.NOT_STARTED');
    }
  });

  it('begins nothing until it is reinstated', () => {
    const command = { type: 'StartFullSync', replication: example.ORDER } as const;
    const history = [...FULL_RUNNING, cancelled, stopped];
    spec.given(history).when(command).thenRefused('TRANSFER.STOPPED');
    spec.given(history).when(reinstate).then([reinstated]);
    expect(spec.given([...history, reinstated]).when(command).events).toMatchObject([
      { type: 'SyncRoundStarted', data: { number: 2, roundKind: 'full' } },
      { type: 'ResumeWindowOpened' },
    ]);
    for (const running of [FULL_BEGUN, [...history, reinstated]]) spec.given(running).when(reinstate).thenNothing();
  });

  it('keeps no proof of the target over its cancellation, as the source may have been in service meanwhile', () => {
    const history = [...example.VERIFIED, stopped, reinstated];
    expect(spec.given(history).state).toMatchObject({ finalSyncCompleted: false, verification: null });
    expect(spec.given(history).when({ type: 'StartSyncRound', trigger: 'manual', resend: false }).events).toMatchObject(
      [{ type: 'SyncRoundStarted', data: { roundKind: 'incremental' } }, { type: 'ResumeWindowOpened' }],
    );
    spec.given(history).when({ type: 'StartVerification' }).thenRefused('TRANSFER.NO_FINAL_SYNC');
  });
});

describe('the caps of a replication', () => {
  const throttle = { ...UNLIMITED_THROTTLE, storageShare: 0.5 };
  const throttled: ReplicationEvent = { type: 'ReplicationThrottled', data: { taskId: TASK, throttle } };

  it.each<[string, readonly ReplicationEvent[]]>([
    ['nothing runs', FULL_DONE],
    ['a round transfers', FULL_BEGUN],
    ['it is paused', [...FULL_BEGUN, paused]],
    ['it is stopped', [...FULL_DONE, stopped]],
  ])('are adjusted while %s, once, and change nothing else', (_while, history) => {
    spec.given(history).when({ type: 'AdjustThrottle', throttle }).then([throttled]);
    const { state } = spec.given([...history, throttled]);
    expect(state).toEqual({ ...spec.given(history).state, settings: { ...state?.settings, throttle } });
    spec
      .given([...history, throttled])
      .when({ type: 'AdjustThrottle', throttle })
      .thenNothing();
  });

  it('are the defaults for one that was recorded before there were any', () => {
    const { throttle: _throttle, ...settings } = SETTINGS;
    const older = { ...prepared, data: { ...prepared.data, settings } } as ReplicationEvent;
    expect(spec.given([older]).state?.settings).toEqual({ ...settings, throttle: DEFAULT_THROTTLE });
  });
});
