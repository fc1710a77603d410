import { describe, expect, it } from 'vitest';
import { failureFor } from '#libs/contracts';
import { DeciderSpec } from '#libs/testing';
import * as example from '../replication.examples.js';
import { MAX_ATTEMPTS } from './link.decisions.js';
import type { CommandOf } from './replication.commands.js';
import { replicationDecider } from './replication.decider.js';
import type { End, ReplicationEvent } from './replication.events.js';
import { attemptIdOf } from './replication.state.js';

const {
  DETAIL,
  DIGESTING,
  EXPORTS,
  FULL_BEGUN,
  FULL_DONE,
  FULL_RUNNING,
  LINK_LOST,
  ROUND_1,
  SETTINGS,
  VERIFICATION,
  VERIFYING,
  after,
  established,
  failed,
  failedForNow,
  left,
  linkLost,
  opened,
  paused,
  prepared,
  returned,
  windowClosed,
  windowExpired,
  windowOpened,
} = example;

const spec = DeciderSpec.of(replicationDecider);
const WINDOW = SETTINGS.resumeWindowSeconds;
const SERVED = [...FULL_RUNNING, opened(ROUND_1)];
const SERVED_AGAIN = [...LINK_LOST, opened(ROUND_1, 2)];
const PAUSED = [...FULL_BEGUN, paused];

const open = (attempt = 1) => ({ type: 'NoteExportsOpened', roundId: ROUND_1, attempt, exports: EXPORTS }) as const;
const establish = (attempt = 1, seconds = 0) =>
  ({ type: 'NoteLinkEstablished', roundId: ROUND_1, attempt, comparison: 'all-blocks', at: after(seconds) }) as const;
const lose = (attempt = 1, seconds = 0) =>
  ({ type: 'NoteLinkLost', roundId: ROUND_1, attempt, at: after(seconds), detail: DETAIL }) as const;
const failExports = (
  attempt = 1,
  code: CommandOf<'NoteExportsFailed'>['code'] = 'EXPORT_FAILED',
): CommandOf<'NoteExportsFailed'> => ({
  type: 'NoteExportsFailed',
  roundId: ROUND_1,
  attempt,
  code,
  detail: code === 'EXPORT_FAILED' ? example.PASSING.detail : example.FAILING.detail,
  at: after(0),
});

describe('serving the disks', () => {
  it('is noted for the attempt in hand, once', () => {
    spec
      .given(FULL_RUNNING)
      .when(open())
      .then([opened(ROUND_1)]);
    spec.given(SERVED).when(open()).thenNothing();
    spec
      .given(LINK_LOST)
      .when(open(2))
      .then([opened(ROUND_1, 2)]);
  });

  it('is no news of an earlier attempt, nor in a pause', () => {
    spec.given(LINK_LOST).when(open(1)).thenRefused('TRANSFER.ROUND_UNKNOWN');
    spec.given(PAUSED).when(open(1)).thenRefused('TRANSFER.ROUND_UNKNOWN');
  });

  it('comes too late when the window is over: nobody could have reached them in time', () => {
    const lost = failureFor(
      'RESTORER_LOST',
      `The restore environment did not begin between ${after(0)} and ${after(WINDOW)}.`,
    );
    spec
      .given(FULL_RUNNING)
      .when(open(), { now: after(WINDOW) })
      .then([windowExpired(ROUND_1, 1, 'begin'), failed(ROUND_1, 'full', lost)]);
    spec
      .given(FULL_RUNNING)
      .when(open(), { now: after(WINDOW - 0.001) })
      .then([opened(ROUND_1)]);
  });

  it('that fails is a failure of the round, tried again when it may pass', () => {
    spec.given(FULL_RUNNING).when(failExports()).then(failedForNow(ROUND_1, 'full'));
    for (const history of [FULL_RUNNING, FULL_BEGUN]) {
      spec
        .given(history)
        .when(failExports(1, 'TARGET_DISK_MISSING'))
        .then([failed(ROUND_1, 'full', failureFor('TARGET_DISK_MISSING', example.FAILING.detail))]);
    }
  });

  it('that ends by itself is a lost link', () => {
    const lost: ReplicationEvent = {
      type: 'LinkLost',
      data: { taskId: example.TASK, roundId: ROUND_1, attempt: 1, lostAt: after(0), detail: example.PASSING.detail },
    };
    spec
      .given(FULL_BEGUN)
      .when(failExports())
      .then([lost, windowOpened(ROUND_1, 2, 'link-lost')]);
  });

  it('that ended is no news of an earlier attempt, nor in a pause', () => {
    for (const history of [LINK_LOST, SERVED_AGAIN, PAUSED]) spec.given(history).when(failExports(1)).thenNothing();
  });
});

describe('the link', () => {
  it('closes the window that the round has to begin in', () => {
    spec
      .given(SERVED)
      .when(establish())
      .then([established(ROUND_1), windowClosed(ROUND_1, 1)]);
    expect(spec.given(FULL_BEGUN).state).toMatchObject({
      round: { link: 'up', comparison: 'all-blocks' },
      window: null,
    });
  });

  it('is recorded with how the round finds what to send', () => {
    const rescan = { comparison: 'rescan', rescanReason: 'events-lost' } as const;
    for (const compares of [{ comparison: 'tracked' } as const, rescan]) {
      spec
        .given(SERVED)
        .when({ ...establish(), ...compares })
        .then([
          { type: 'LinkEstablished', data: { taskId: example.TASK, roundId: ROUND_1, attempt: 1, ...compares } },
          windowClosed(ROUND_1, 1),
        ]);
    }
  });

  it('is established once in an attempt', () => {
    spec.given(FULL_BEGUN).when(establish()).thenNothing();
    spec
      .given([...PAUSED, example.resumed, windowOpened(ROUND_1, 2), opened(ROUND_1, 2)])
      .when(establish(2))
      .then([established(ROUND_1, 2), windowClosed(ROUND_1, 2)]);
  });

  it('was established in time when that was before the deadline, however late it is heard of', () => {
    spec
      .given(SERVED)
      .when(establish(1, WINDOW - 0.001), { now: after(10 * WINDOW) })
      .then([established(ROUND_1), windowClosed(ROUND_1, 1)]);
  });

  it('was too late exactly at the deadline', () => {
    const failure = failureFor(
      'RESUME_WINDOW_EXPIRED',
      `The path between source and target did not come back between ${after(0)} and ${after(WINDOW)}.`,
    );
    spec
      .given(SERVED_AGAIN)
      .when(establish(2, WINDOW), { now: after(WINDOW) })
      .then([windowExpired(ROUND_1, 2, 'link-lost'), failed(ROUND_1, 'full', failure)]);
  });

  it('that is lost begins the next attempt, which has a window from the moment of the loss', () => {
    spec
      .given(FULL_BEGUN)
      .when(lose(1, 5), { now: after(20) })
      .then([linkLost(ROUND_1, 1, after(5)), windowOpened(ROUND_1, 2, 'link-lost', 5)]);
    expect(spec.given(LINK_LOST).state).toMatchObject({ round: { attempt: 2, exports: null, link: 'lost' } });
  });

  it('that is lost before it was ever there leaves the window as it is', () => {
    spec
      .given(SERVED)
      .when(lose(1, 30))
      .then([linkLost(ROUND_1, 1, after(30))]);
    spec
      .given(SERVED_AGAIN)
      .when(lose(2, 30))
      .then([linkLost(ROUND_1, 2, after(30))]);
  });

  it('that was lost a whole window ago when it is heard of has cost the round', () => {
    const failure = failureFor(
      'RESUME_WINDOW_EXPIRED',
      `The target's disks were not served again between ${after(5)} and ${after(5 + WINDOW)}.`,
    );
    spec
      .given(FULL_BEGUN)
      .when(lose(1, 5), { now: after(5 + WINDOW) })
      .then([
        linkLost(ROUND_1, 1, after(5)),
        windowOpened(ROUND_1, 2, 'link-lost', 5),
        windowExpired(ROUND_1, 2, 'link-lost', 5 + WINDOW),
        failed(ROUND_1, 'full', failure),
      ]);
  });

  it('of an earlier attempt, or in a pause, is no news', () => {
    for (const history of [LINK_LOST, SERVED_AGAIN]) {
      spec.given(history).when(lose(1)).thenNothing();
      spec.given(history).when(establish(1)).thenNothing();
    }
    spec.given(PAUSED).when(lose(1)).thenNothing();
    spec.given(PAUSED).when(establish(1)).thenNothing();
  });

  it('is no news before anybody served: the agent was not given the attempt', () => {
    spec.given(LINK_LOST).when(lose(2)).thenNothing();
    spec.given(LINK_LOST).when(establish(2)).thenNothing();
  });

  it.each([
    ['lost', lose()],
    ['established', establish()],
    ['not served any more', failExports()],
  ])('that is %s after the round is refused', (_how, command) => {
    spec.given(FULL_DONE).when(command).thenRefused('TRANSFER.ROUND_UNKNOWN');
  });

  it('that breaks again and again is given up', () => {
    const inAttempt = (attempt: number) => [
      ...FULL_BEGUN,
      ...Array.from({ length: attempt - 1 }, (_, index) => linkLost(ROUND_1, index + 1)),
      opened(ROUND_1, attempt),
    ];
    const { events } = spec.given(inAttempt(MAX_ATTEMPTS)).when(lose(MAX_ATTEMPTS));
    expect(events).toMatchObject([{ type: 'SyncRoundFailed', data: { failure: { code: 'LINK_UNSTABLE' } } }]);
    const before = spec.given(inAttempt(MAX_ATTEMPTS - 1)).when(lose(MAX_ATTEMPTS - 1));
    expect(before.events[0]).toEqual(linkLost(ROUND_1, MAX_ATTEMPTS - 1));
  });
});

describe('an end without a control channel', () => {
  const leave = (end: End, seconds = 0) => ({ type: 'NoteEndAway', end, at: after(seconds) }) as const;
  const connect = (end: End, inHand: string | null = null, seconds = 0) =>
    ({ type: 'NoteEndConnected', end, inHand, at: after(seconds) }) as const;
  const firstAttempt = attemptIdOf({ roundId: ROUND_1, attempt: 1 });
  const AGENT_AWAY = [...FULL_BEGUN, left(ROUND_1, 'agent'), windowOpened(ROUND_1, 2, 'agent-away')];

  it.each([
    ['the agent, while it transfers', FULL_BEGUN, ROUND_1, 'agent', 2],
    ['the restore environment, while it reads', DIGESTING, VERIFICATION, 'restorer', 4],
  ] as const)('is waited for: %s', (_who, history, workId, end, generation) => {
    spec
      .given(history)
      .when(leave(end, 7))
      .then([left(workId, end, 7), windowOpened(workId, generation, `${end}-away`, 7)]);
    const away = [...history, left(workId, end, 7), windowOpened(workId, generation, `${end}-away`, 7)];
    spec.given(away).when(leave(end, 8)).thenNothing();
    spec
      .given(away)
      .when(connect(end, firstAttempt, 60))
      .then([returned(workId, end, 60), windowClosed(workId, generation)]);
  });

  it('is at work when it is back, also after the deadline, as nobody looked before', () => {
    spec
      .given(AGENT_AWAY)
      .when(connect('agent', firstAttempt, 2 * WINDOW), { now: after(2 * WINDOW) })
      .then([returned(ROUND_1, 'agent', 2 * WINDOW), windowClosed(ROUND_1, 2)]);
  });

  it.each([
    ['the restore environment, while the agent transfers', FULL_BEGUN, ROUND_1, 'restorer'],
    ['the agent, while the disks are served', SERVED, ROUND_1, 'agent'],
    ['the agent, while the link is lost', LINK_LOST, ROUND_1, 'agent'],
    ['the agent, while the target is verified', DIGESTING, VERIFICATION, 'agent'],
    ['the restore environment, before it reads', VERIFYING, VERIFICATION, 'restorer'],
  ] as const)('is noted, and other bounds hold: %s', (_who, history, workId, end) => {
    spec
      .given(history)
      .when(leave(end))
      .then([left(workId, end)]);
    spec
      .given([...history, left(workId, end)])
      .when(connect(end, firstAttempt))
      .then([returned(workId, end)]);
  });

  it('is waited for as soon as only it is missing: its last report before it left began the work', () => {
    spec
      .given([...SERVED, left(ROUND_1, 'agent')])
      .when(establish(1, 3), { now: after(4) })
      .then([established(ROUND_1), windowClosed(ROUND_1, 1), windowOpened(ROUND_1, 2, 'agent-away', 4)]);
  });

  it('waits with the others when the link is lost, too', () => {
    spec
      .given(AGENT_AWAY)
      .when(failExports())
      .then([
        {
          ...linkLost(ROUND_1),
          data: { ...linkLost(ROUND_1).data, detail: example.PASSING.detail },
        } as ReplicationEvent,
        windowClosed(ROUND_1, 2),
        windowOpened(ROUND_1, 3, 'link-lost'),
      ]);
  });

  it('has lost its round when the restore environment comes back without the disks that it served', () => {
    const failure = failureFor('RESTORER_RESTARTED', 'The restore environment came back without its work.');
    for (const inHand of [null, 'idle', attemptIdOf({ roundId: ROUND_1, attempt: 2 })]) {
      spec
        .given(FULL_BEGUN)
        .when(connect('restorer', inHand))
        .then([failed(ROUND_1, 'full', failure)]);
    }
    spec.given(FULL_BEGUN).when(connect('restorer', firstAttempt)).thenNothing();
    spec
      .given([...FULL_BEGUN, left(ROUND_1, 'restorer')])
      .when(connect('restorer', firstAttempt))
      .then([returned(ROUND_1, 'restorer')]);
  });

  it('has lost nothing when it comes back before it served', () => {
    for (const history of [FULL_RUNNING, LINK_LOST]) spec.given(history).when(connect('restorer')).thenNothing();
  });

  it('is no news when there is no work, or it rests', () => {
    for (const history of [[prepared], FULL_DONE, PAUSED, [...FULL_DONE, example.stopped]]) {
      for (const end of ['agent', 'restorer'] as const) {
        spec.given(history).when(leave(end)).thenNothing();
        spec.given(history).when(connect(end)).thenNothing();
      }
    }
  });

  it('is noted anew after a pause', () => {
    const history = [...AGENT_AWAY, paused, example.resumed, windowOpened(ROUND_1, 3)];
    const again = [...history, opened(ROUND_1, 2), established(ROUND_1, 2), windowClosed(ROUND_1, 3)];
    spec
      .given(again)
      .when(leave('agent', 9))
      .then([left(ROUND_1, 'agent', 9), windowOpened(ROUND_1, 4, 'agent-away', 9)]);
  });
});
