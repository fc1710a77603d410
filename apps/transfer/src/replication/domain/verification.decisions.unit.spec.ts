import { describe, expect, it } from 'vitest';
import { uuidV5 } from '#libs/eventsourcing';
import { DeciderSpec, exampleContext } from '#libs/testing';
import * as example from '../replication.examples.js';
import { replicationDecider } from './replication.decider.js';
import type { ReplicationEvent } from './replication.events.js';

const {
  DIFFERED,
  DIGESTING,
  DIGESTING_AGAIN,
  EXPORTS,
  FAILING,
  FINAL_BEGUN,
  FINAL_DONE,
  FINAL_RUNNING,
  FULL_DONE,
  PASSING,
  REPAIR_BEGUN,
  REPAIR_DONE,
  REPAIR_RUNNING,
  ROUND_1,
  ROUND_2,
  ROUND_3,
  ROUND_4,
  TASK,
  VERIFICATION,
  VERIFICATION_2,
  VERIFIED,
  VERIFYING,
  after,
  completed,
  differed,
  digest,
  digests,
  digestsBegun,
  failed,
  failedForNow,
  left,
  paused,
  repairStarted,
  results,
  started,
  stopped,
  verificationFailed,
  verificationStarted,
  verified,
  windowClosed,
  windowOpened,
} = example;

const spec = DeciderSpec.of(replicationDecider);
/** The id of a verification that the command of a spec starts. */
const newVerification = uuidV5(exampleContext().commandId, 'verification');
const newRound = uuidV5(exampleContext().commandId, 'round');
const start = { type: 'StartVerification' } as const;
const begin = (verificationId = VERIFICATION) => ({ type: 'NoteDigestsBegun', verificationId }) as const;
const compare = (disks = digests(), verificationId = VERIFICATION) =>
  ({ type: 'CompareDigests', verificationId, disks }) as const;
const fail = (verificationId = VERIFICATION) => ({ type: 'FailVerification', verificationId, ...FAILING }) as const;

describe('verifying the target', () => {
  const startedAnew: ReplicationEvent = {
    type: 'VerificationStarted',
    data: { taskId: TASK, verificationId: newVerification },
  };

  it('starts after a final synchronization, and has a window to begin in', () => {
    spec
      .given(FINAL_DONE)
      .when(start)
      .then([startedAnew, windowOpened(newVerification, 3)]);
  });

  it('is not started twice, nor after it succeeded', () => {
    for (const history of [VERIFYING, DIGESTING, REPAIR_BEGUN, VERIFIED]) spec.given(history).when(start).thenNothing();
  });

  it.each([
    ['there was only a full one', FULL_DONE, 'TRANSFER.NO_FINAL_SYNC'],
    ['the final one failed', [...FINAL_RUNNING, failed(ROUND_3, 'final')], 'TRANSFER.NO_FINAL_SYNC'],
    ['the final one runs', FINAL_RUNNING, 'TRANSFER.ROUND_RUNNING'],
    ['it is paused', [...FINAL_DONE, paused], 'TRANSFER.PAUSED'],
    ['it is stopped', [...FINAL_DONE, stopped], 'TRANSFER.STOPPED'],
  ])('is refused when %s', (_when, history, code) => {
    spec.given(history).when(start).thenRefused(code);
  });

  it('begins when the restore environment reads the disks, once', () => {
    spec
      .given(VERIFYING)
      .when(begin())
      .then([digestsBegun, windowClosed(VERIFICATION, 3)]);
    spec.given(DIGESTING).when(begin()).thenNothing();
    spec
      .given([...VERIFYING, paused])
      .when(begin())
      .thenNothing();
  });

  it('begins anew after a pause', () => {
    spec
      .given([...DIGESTING, paused, example.resumed, windowOpened(VERIFICATION, 4)])
      .when(begin())
      .then([digestsBegun, windowClosed(VERIFICATION, 4)]);
  });

  it('does not wait for ever for a restore environment that left right after it began', () => {
    spec
      .given([...VERIFYING, left(VERIFICATION, 'restorer')])
      .when(begin(), { now: after(4) })
      .then([digestsBegun, windowClosed(VERIFICATION, 3), windowOpened(VERIFICATION, 4, 'restorer-away', 4)]);
  });

  it('can fail, and starts anew then', () => {
    for (const history of [VERIFYING, DIGESTING]) spec.given(history).when(fail()).then([verificationFailed]);
    spec
      .given([...DIGESTING, verificationFailed])
      .when(start)
      .then([startedAnew, windowOpened(newVerification, 4)]);
  });

  it('takes no report of another verification, and none when it has ended', () => {
    for (const command of [begin(ROUND_1), compare(digests(), ROUND_1), fail(ROUND_1)]) {
      spec.given(DIGESTING).when(command).thenRefused('TRANSFER.ROUND_UNKNOWN');
    }
    for (const history of [FINAL_DONE, VERIFIED, REPAIR_RUNNING, REPAIR_DONE, DIFFERED]) {
      for (const command of [begin(), compare(), fail()]) {
        spec.given(history).when(command).thenRefused('TRANSFER.ROUND_UNKNOWN');
      }
    }
  });

  it('leaves nothing to wait for', () => {
    const away = [...DIGESTING, left(VERIFICATION, 'restorer'), windowOpened(VERIFICATION, 4, 'restorer-away')];
    for (const end of [compare(), fail()]) {
      expect(spec.given(away).when(end).state).toMatchObject({ window: null, away: [] });
    }
  });
});

describe('repairing what differs', () => {
  const repaired = results();
  const complete = { type: 'CompleteSyncRound', roundId: ROUND_4, disks: repaired } as const;
  const failRound = (failing: typeof FAILING | typeof PASSING) =>
    ({ type: 'FailSyncRound', roundId: ROUND_4, ...failing }) as const;
  const verifiedAnew = [
    { type: 'VerificationStarted', data: { taskId: TASK, verificationId: newVerification } },
    windowOpened(newVerification, 5),
  ] as ReplicationEvent[];

  it('is followed by another verification', () => {
    spec
      .given(REPAIR_BEGUN)
      .when(complete)
      .then([completed(ROUND_4, 'final'), ...verifiedAnew]);
    spec
      .given(DIGESTING_AGAIN)
      .when(compare(digests(), VERIFICATION_2))
      .then([{ ...verified, data: { ...verified.data, verificationId: VERIFICATION_2 } } as typeof verified]);
  });

  it('fails the verification when it fails for good', () => {
    for (const history of [REPAIR_RUNNING, REPAIR_BEGUN]) {
      spec
        .given(history)
        .when(failRound(FAILING))
        .then([failed(ROUND_4, 'final'), verificationFailed]);
    }
  });

  it('fails the verification when nobody begins it in time', () => {
    const { events } = spec
      .given(REPAIR_RUNNING)
      .when({ type: 'ReachDeadline', generation: 4, seenAt: null }, { now: after(900) });
    expect(events.map(({ type }) => type)).toEqual(['ResumeWindowExpired', 'SyncRoundFailed', 'VerificationFailed']);
  });

  it('is tried again by itself where that may help, and is a repair still', () => {
    const retried = failedForNow(ROUND_4, 'final', { generation: 5 });
    spec.given(REPAIR_BEGUN).when(failRound(PASSING)).then(retried);
    const again = [
      ...REPAIR_BEGUN,
      ...retried,
      started(ROUND_2, 4, 'final', 'retry'),
      windowOpened(ROUND_2, 6, 'begin', 60),
    ];
    const { state } = spec
      .given(again)
      .when({ type: 'NoteExportsOpened', roundId: ROUND_2, attempt: 1, exports: EXPORTS });
    expect(state?.verification).toMatchObject({ status: 'repairing', differing: ['disk-b'] });
    const { events } = spec.given(again).when({ ...complete, roundId: ROUND_2 });
    expect(events.map(({ type }) => type)).toEqual(['SyncRoundCompleted', 'VerificationStarted', 'ResumeWindowOpened']);
  });

  it('waits for the end of a pause', () => {
    const found = [...DIGESTING, paused];
    spec
      .given(found)
      .when(compare(digests('ac')))
      .then([repairStarted('ac')]);
    spec
      .given([...found, repairStarted('ac')])
      .when({ type: 'ResumeReplication' })
      .then([example.resumed, started(newRound, 3, 'final', 'repair'), windowOpened(newRound, 4)]);
  });

  it('waits for the end of a pause with the verification that follows it', () => {
    const done = [...REPAIR_BEGUN, paused];
    spec
      .given(done)
      .when(complete)
      .then([completed(ROUND_4, 'final')]);
    spec
      .given([...done, completed(ROUND_4, 'final')])
      .when({ type: 'ResumeReplication' })
      .then([example.resumed, ...verifiedAnew]);
  });

  it('ends with the task, and what it was for with it', () => {
    const { events } = spec.given(REPAIR_BEGUN).when({ type: 'StopReplication' });
    expect(events.map(({ type }) => type)).toEqual(['SyncRoundFailed', 'VerificationFailed', 'ReplicationStopped']);
  });

  it('is nothing that another round may come between', () => {
    const manual = { type: 'StartSyncRound', trigger: 'manual', resend: false } as const;
    const waiting = [...REPAIR_BEGUN, ...failedForNow(ROUND_4, 'final', { generation: 5 })];
    for (const history of [REPAIR_BEGUN, waiting]) {
      spec.given(history).when(manual).thenRefused('TRANSFER.FINAL_SYNC_PENDING');
      spec.given(history).when({ type: 'StartFinalSync' }).thenRefused('TRANSFER.ROUND_RUNNING');
    }
  });

  it('is done anew by a verification that somebody asks for after this one failed', () => {
    const failedOnce = [...REPAIR_BEGUN, failed(ROUND_4, 'final'), verificationFailed];
    const history = [
      ...[...failedOnce, started(ROUND_2, 4, 'final'), windowOpened(ROUND_2, 5), completed(ROUND_2, 'final')],
      ...[verificationStarted, windowOpened(VERIFICATION, 6), digestsBegun, windowClosed(VERIFICATION, 6)],
    ];
    expect(spec.given(history).when(compare(digests('ac'))).events[0]).toEqual(repairStarted('ac'));
  });
});

describe('comparing the digests', () => {
  it('proves the target when every disk of it has the digest that the source had in the final round', () => {
    spec.given(DIGESTING).when(compare()).then([verified]);
    spec
      .given(DIGESTING)
      .when(compare(digests().toReversed()))
      .then([{ ...verified, data: { ...verified.data, disks: digests().toReversed() } } as typeof verified]);
  });

  it('names each disk that differs, with both digests, and begins a final round that repairs them', () => {
    for (const digits of ['ac', '12']) {
      spec
        .given(DIGESTING)
        .when(compare(digests(digits)))
        .then([repairStarted(digits), started(newRound, 3, 'final', 'repair'), windowOpened(newRound, 4)]);
    }
  });

  it('does not repair twice: a target that still differs stops the take-over', () => {
    for (const digits of ['ac', '12']) {
      spec
        .given(DIGESTING_AGAIN)
        .when(compare(digests(digits), VERIFICATION_2))
        .then([differed(digits)]);
    }
  });

  it('tells the digests of an earlier round from those of the final one', () => {
    expect(FULL_DONE.at(-1)).toEqual(completed(ROUND_1, 'full', '12'));
    const { events } = spec.given(DIGESTING).when(compare(digests('12')));
    expect(events[0]).toEqual(repairStarted('12'));
  });

  it.each([
    ['another algorithm', { digestAlgorithm: 'sha256' as const }, 'sha256 over blocks of 65536 bytes'],
    ['another block size', { digestBlockBytes: 4096 }, 'blake3 over blocks of 4096 bytes'],
  ])('says that it cannot compare digests of %s, whether they are equal or not', (_what, other, words) => {
    for (const [first, second] of [digests(), digests('cd')]) {
      const { events } = spec.given(DIGESTING).when(compare([first!, { ...second!, ...other }]));
      expect(events).toMatchObject([
        {
          type: 'VerificationFailed',
          data: {
            failure: {
              code: 'DIGESTS_NOT_COMPARABLE',
              detail: `disk disk-b: the source's is blake3 over blocks of 65536 bytes, the target's ${words}`,
            },
          },
        },
      ]);
    }
  });

  it('does not take equal digests over another number of disk bytes for equal disks', () => {
    const [first, second] = digests();
    const { events } = spec.given(DIGESTING).when(compare([{ ...first!, diskBytes: 1 }, second!]));
    expect(events[0]).toMatchObject({ type: 'RepairStarted', data: { differing: [{ diskId: 'disk-a' }] } });
  });

  it('does not take a disk that nobody digested for equal: target', () => {
    const { events } = spec.given(DIGESTING).when(compare(digests().slice(0, 1)));
    expect(events[0]).toMatchObject({
      type: 'RepairStarted',
      data: { differing: [{ diskId: 'disk-b', sourceDigest: digest('b'), targetDigest: 'missing' }] },
    });
  });

  it.each([
    ['a missing one', results().slice(0, 1)],
    ['one reported twice in place of another', [results()[0]!, results()[0]!]],
    ['none', []],
  ])('does not take a disk that nobody digested for equal: source, %s', (_what, disks) => {
    const unlike: ReplicationEvent = {
      type: 'SyncRoundCompleted',
      data: { taskId: TASK, roundId: ROUND_3, roundKind: 'final', disks },
    };
    const { events } = spec.given([...FINAL_BEGUN, unlike, verificationStarted]).when(compare());
    expect(events[0]).toMatchObject({ type: 'RepairStarted' });
    const { differing } = (events[0] as ReplicationEvent & { type: 'RepairStarted' }).data;
    expect(differing).toContainEqual({ diskId: 'disk-b', sourceDigest: 'missing', targetDigest: digest('b') });
  });
});
