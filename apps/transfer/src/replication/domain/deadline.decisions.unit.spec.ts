import { describe, expect, it } from 'vitest';
import { FAILURES, type ReplicationFailureCode, failureFor, replicationFailureCode } from '#libs/contracts';
import { uuidV5 } from '#libs/eventsourcing';
import { DeciderSpec, exampleContext } from '#libs/testing';
import * as example from '../replication.examples.js';
import { replicationDecider } from './replication.decider.js';
import type { ReplicationEvent } from './replication.events.js';
import { dueAtOf } from './replication.state.js';

const {
  DIGESTING,
  FINAL_RUNNING,
  FULL_BEGUN,
  FULL_DONE,
  FULL_RUNNING,
  INCREMENTAL_BEGUN,
  LINK_LOST,
  PASSING,
  ROUND_1,
  ROUND_2,
  ROUND_3,
  SETTINGS,
  TASK,
  VERIFICATION,
  VERIFYING,
  after,
  failed,
  failedForNow,
  finalSyncQueued,
  left,
  linkLost,
  opened,
  paused,
  preparedWith,
  resent,
  started,
  stopped,
  windowExpired,
  windowExtended,
  windowOpened,
} = example;

const spec = DeciderSpec.of(replicationDecider);
const WINDOW = SETTINGS.resumeWindowSeconds;
const newRound = uuidV5(exampleContext().commandId, 'round');
const SERVED = [...FULL_RUNNING, opened(ROUND_1)];
const AGENT_AWAY = [...FULL_BEGUN, left(ROUND_1, 'agent'), windowOpened(ROUND_1, 2, 'agent-away')];
const RESTORER_AWAY = [...DIGESTING, left(VERIFICATION, 'restorer'), windowOpened(VERIFICATION, 4, 'restorer-away')];

const reach = (generation: number, seenSeconds: number | null = null) => {
  const seenAt = seenSeconds === null ? null : after(seenSeconds);
  return { type: 'ReachDeadline', generation, seenAt } as const;
};
const between = `between ${after(0)} and ${after(WINDOW)}`;
const fail = (roundId: string, code: ReplicationFailureCode = PASSING.code) =>
  ({ type: 'FailSyncRound', roundId, code, detail: PASSING.detail }) as const;

describe('the deadline of a resume window', () => {
  it.each<[string, readonly ReplicationEvent[], number, ReplicationFailureCode, string]>([
    ['nobody served', FULL_RUNNING, 1, 'RESTORER_LOST', `The restore environment did not begin ${between}.`],
    ['nobody came', SERVED, 1, 'RESUME_WINDOW_EXPIRED', `The agent did not reach the target ${between}.`],
    [
      'nobody served after a first attempt in vain',
      [...SERVED, linkLost(ROUND_1)],
      1,
      'RESUME_WINDOW_EXPIRED',
      `The agent did not reach the target ${between}.`,
    ],
    [
      'nobody served again',
      LINK_LOST,
      2,
      'RESUME_WINDOW_EXPIRED',
      `The target's disks were not served again ${between}.`,
    ],
    [
      'the link stayed lost',
      [...LINK_LOST, opened(ROUND_1, 2)],
      2,
      'RESUME_WINDOW_EXPIRED',
      `The path between source and target did not come back ${between}.`,
    ],
    ['the agent stayed away', AGENT_AWAY, 2, 'AGENT_LOST', `Nothing was heard or seen of the agent ${between}.`],
  ])('fails the round, with its true moment, when %s', (_why, history, generation, code, detail) => {
    const cause = spec.given(history).state!.window!.cause;
    spec
      .given(history)
      .when(reach(generation), { now: after(4 * WINDOW) })
      .then([windowExpired(ROUND_1, generation, cause), failed(ROUND_1, 'full', failureFor(code, detail))]);
  });

  it.each<[string, readonly ReplicationEvent[], number, string]>([
    ['did not begin', VERIFYING, 3, `The restore environment did not begin ${between}.`],
    ['stayed away', RESTORER_AWAY, 4, `Nothing was heard of the restore environment ${between}.`],
  ])('fails the verification when the restore environment %s', (_why, history, generation, detail) => {
    const cause = spec.given(history).state!.window!.cause;
    const failure = failureFor('RESTORER_LOST', detail);
    spec
      .given(history)
      .when(reach(generation), { now: after(WINDOW) })
      .then([
        windowExpired(VERIFICATION, generation, cause),
        { type: 'VerificationFailed', data: { taskId: TASK, verificationId: VERIFICATION, failure } },
      ]);
  });

  it('is reached exactly at its moment, and not a millisecond before', () => {
    expect(spec.given(LINK_LOST).when(reach(2), { now: after(WINDOW) }).events).toHaveLength(2);
    spec
      .given(LINK_LOST)
      .when(reach(2), { now: after(WINDOW - 0.001) })
      .thenNothing();
  });

  it('means nothing any more when another window has been opened since, or none is open', () => {
    const late = { now: after(4 * WINDOW) };
    spec.given(LINK_LOST).when(reach(1), late).thenNothing();
    spec.given(FULL_BEGUN).when(reach(1), late).thenNothing();
    spec.given(FULL_DONE).when(reach(1), late).thenNothing();
    spec
      .given([...LINK_LOST, paused])
      .when(reach(2), late)
      .thenNothing();
    spec
      .given([...LINK_LOST, failed(ROUND_1, 'full'), stopped])
      .when(reach(2), late)
      .thenNothing();
  });

  it('is as far away as the settings say', () => {
    const history = [preparedWith({ resumeWindowSeconds: 30 }), ...FULL_BEGUN.slice(1)];
    const lost = { type: 'NoteLinkLost', roundId: ROUND_1, attempt: 1, at: after(5), detail: '' } as const;
    expect(spec.given(history).when(lost).state).toMatchObject({ window: { deadlineAt: after(35) } });
  });

  it('lets a final round begin that waited for the round, with a window of its own', () => {
    const history = [...INCREMENTAL_BEGUN, finalSyncQueued, linkLost(ROUND_2), windowOpened(ROUND_2, 3, 'link-lost')];
    const failure = failureFor('RESUME_WINDOW_EXPIRED', `The target's disks were not served again ${between}.`);
    spec
      .given(history)
      .when(reach(3), { now: after(WINDOW + 1) })
      .then([
        windowExpired(ROUND_2, 3, 'link-lost'),
        failed(ROUND_2, 'incremental', failure),
        started(newRound, 3, 'final'),
        windowOpened(newRound, 4, 'begin', WINDOW + 1),
      ]);
  });
});

describe('a sign of life', () => {
  it('of an end that is away moves the deadline to a window after it', () => {
    spec
      .given(AGENT_AWAY)
      .when(reach(2, WINDOW - 10), { now: after(WINDOW) })
      .then([windowExtended(ROUND_1, 2, WINDOW - 10)]);
    const extended = [...AGENT_AWAY, windowExtended(ROUND_1, 2, WINDOW - 10)];
    expect(dueAtOf(spec.given(extended).state)).toBe(after(2 * WINDOW - 10));
    spec
      .given(extended)
      .when(reach(2, WINDOW - 10), { now: after(2 * WINDOW - 10.001) })
      .thenNothing();
    expect(spec.given(extended).when(reach(2, WINDOW - 10), { now: after(2 * WINDOW - 10) }).events).toMatchObject([
      { type: 'ResumeWindowExpired' },
      { type: 'SyncRoundFailed' },
    ]);
  });

  it('does not help when it is a whole window old itself', () => {
    const { events } = spec.given(AGENT_AWAY).when(reach(2, 60), { now: after(60 + WINDOW) });
    expect(events).toMatchObject([{ type: 'ResumeWindowExpired' }, { type: 'SyncRoundFailed' }]);
  });

  it('does not help when the link is lost, or the work has not begun', () => {
    for (const [history, generation] of [
      [LINK_LOST, 2],
      [FULL_RUNNING, 1],
      [VERIFYING, 3],
    ] as const) {
      const { events } = spec.given(history).when(reach(generation, WINDOW - 1), { now: after(WINDOW) });
      expect(events[0]).toMatchObject({ type: 'ResumeWindowExpired' });
    }
  });
});

describe('trying again by itself', () => {
  const failing = (history: readonly ReplicationEvent[], roundId: string) => spec.given(history).when(fail(roundId));

  it('follows a failure that may pass', () => {
    failing(FULL_BEGUN, ROUND_1).then(failedForNow(ROUND_1, 'full'));
    expect(dueAtOf(spec.given([...FULL_BEGUN, ...failedForNow(ROUND_1, 'full')]).state)).toBe(after(60));
  });

  it.each(replicationFailureCode.options.map((code) => [code, FAILURES[code].retry] as const))(
    'follows %s: %s',
    (code, retry) => {
      const { events } = spec.given(FULL_BEGUN).when(fail(ROUND_1, code));
      const types = events.map(({ type }) => type);
      expect(types).toEqual(retry === 'by-itself' ? ['SyncRoundFailed', 'RetryScheduled'] : ['SyncRoundFailed']);
    },
  );

  const retrying = [...FULL_BEGUN, ...failedForNow(ROUND_1, 'full')];

  it('begins a round of the same kind at its moment, not before', () => {
    spec
      .given(retrying)
      .when(reach(2), { now: after(60) })
      .then([started(newRound, 2, 'full', 'retry'), windowOpened(newRound, 3, 'begin', 60)]);
    spec
      .given(retrying)
      .when(reach(2), { now: after(59.999) })
      .thenNothing();
    const final = [...FINAL_RUNNING, ...failedForNow(ROUND_3, 'final', { generation: 3 })];
    spec
      .given(final)
      .when(reach(3), { now: after(60) })
      .then([started(newRound, 3, 'final', 'retry'), windowOpened(newRound, 4, 'begin', 60)]);
  });

  it('sends everything again when that was asked for', () => {
    const history = [...FULL_DONE, resent(started(ROUND_2, 2, 'full', 'manual')), windowOpened(ROUND_2, 2)];
    const [roundFailed, scheduled] = failedForNow(ROUND_2, 'full', { generation: 3 });
    failing(history, ROUND_2).then([roundFailed!, resent(scheduled!)]);
    spec
      .given([...history, roundFailed!, resent(scheduled!)])
      .when(reach(3), { now: after(60) })
      .then([resent(started(newRound, 3, 'full', 'retry')), windowOpened(newRound, 4, 'begin', 60)]);
  });

  it('waits twice as long each time, and ends at the limit', () => {
    const secondTry = [...retrying, started(ROUND_2, 2, 'full', 'retry'), windowOpened(ROUND_2, 3)];
    const second = failedForNow(ROUND_2, 'full', { retryNumber: 2, generation: 4, retrySeconds: 120 });
    failing(secondTry, ROUND_2).then(second);
    const thirdTry = [...secondTry, ...second, started(ROUND_3, 3, 'full', 'retry'), windowOpened(ROUND_3, 5)];
    const third = failedForNow(ROUND_3, 'full', { retryNumber: 3, generation: 6, retrySeconds: 240 });
    failing(thirdTry, ROUND_3).then(third);
    const lastTry = [...thirdTry, ...third, started(ROUND_1, 4, 'full', 'retry'), windowOpened(ROUND_1, 7)];
    failing(lastTry, ROUND_1).then([failed(ROUND_1, 'full', failureFor(PASSING.code, PASSING.detail))]);
  });

  it('is counted from the start when somebody asks for a round, or one completes', () => {
    const asked = [...retrying, started(ROUND_2, 2, 'full', 'manual'), windowOpened(ROUND_2, 3)];
    failing(asked, ROUND_2).then(failedForNow(ROUND_2, 'full', { generation: 4 }));
    const completed = [
      ...[...retrying, started(ROUND_2, 2, 'full', 'retry'), windowOpened(ROUND_2, 3)],
      example.completed(ROUND_2, 'full'),
    ];
    expect(spec.given(completed).state).toMatchObject({ retriesUsed: 0 });
  });

  it('does not follow when the settings allow none, or a final round does', () => {
    const never = [preparedWith({ retryLimit: 0 }), ...FULL_BEGUN.slice(1)];
    expect(failing(never, ROUND_1).events).toMatchObject([{ type: 'SyncRoundFailed' }]);
    expect(failing([...INCREMENTAL_BEGUN, finalSyncQueued], ROUND_2).events).toMatchObject([
      { type: 'SyncRoundFailed', data: { roundKind: 'incremental' } },
      { type: 'SyncRoundStarted', data: { roundKind: 'final' } },
      { type: 'ResumeWindowOpened' },
    ]);
  });

  it('is replaced by a round that begins before', () => {
    const { state } = spec.given(retrying).when({ type: 'StartSyncRound', trigger: 'schedule', resend: false });
    expect(state).toMatchObject({ retry: null, round: { trigger: 'schedule' } });
    const late = { now: after(60) };
    spec
      .given([...retrying, started(ROUND_2, 2, 'full', 'schedule'), windowOpened(ROUND_2, 3)])
      .when(reach(2), late)
      .thenNothing();
  });

  it('waits for the end of a pause, and is forgotten when the task is cancelled', () => {
    const late = { now: after(90) };
    const resting = [...retrying, paused];
    expect(dueAtOf(spec.given(resting).state)).toBeNull();
    spec.given(resting).when(reach(2), late).thenNothing();
    expect(dueAtOf(spec.given([...resting, example.resumed]).state)).toBe(after(60));
    expect(spec.given([...resting, example.resumed]).when(reach(2), late).events).toMatchObject([
      { type: 'SyncRoundStarted', data: { trigger: 'retry' } },
      { type: 'ResumeWindowOpened' },
    ]);
    const gone = [...retrying, stopped, example.reinstated];
    expect(dueAtOf(spec.given(gone).state)).toBeNull();
    spec.given(gone).when(reach(2), late).thenNothing();
  });
});
