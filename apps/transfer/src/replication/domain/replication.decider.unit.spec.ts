import { describe, expect, it } from 'vitest';
import type { RoundTrigger } from '#libs/contracts';
import { uuidV5 } from '#libs/eventsourcing';
import { DeciderSpec, exampleContext } from '#libs/testing';
import * as example from '../replication.examples.js';
import { replicationDecider } from './replication.decider.js';

const {
  DISKS,
  EXPORTS,
  FAILURE,
  FINAL_DONE,
  FINAL_RUNNING,
  FULL_DONE,
  FULL_RUNNING,
  INCREMENTAL_RUNNING,
  ORDER,
  ROUND_1,
  ROUND_2,
  ROUND_3,
  TASK,
  VERIFICATION,
  VERIFIED,
  VERIFYING,
  completed,
  differed,
  digest,
  digests,
  failed,
  finalSyncQueued,
  opened,
  prepared,
  results,
  started,
  verificationFailed,
  verificationStarted,
  verified,
} = example;

const spec = DeciderSpec.of(replicationDecider);
const { commandId } = exampleContext();
/** The id of a round, or a verification, that the command of a spec starts. */
const newRound = uuidV5(commandId, 'round');
const newVerification = uuidV5(commandId, 'verification');
const skipped = (reason: string) => ({ type: 'SyncRoundSkipped', data: { taskId: TASK, reason } }) as const;
const startSync = (trigger: RoundTrigger) => ({ type: 'StartSyncRound', trigger }) as const;

describe('the full synchronization', () => {
  const command = { type: 'StartFullSync', replication: ORDER } as const;

  it('begins with saying which disks go where', () => {
    spec
      .given([])
      .when(command)
      .then([prepared, started(newRound, 1, 'full')]);
  });

  it('begins again after it failed, as a round of its own', () => {
    const history = [...FULL_RUNNING, failed(ROUND_1, 'full')];
    spec
      .given(history)
      .when(command)
      .then([started(newRound, 2, 'full')]);
  });

  it('is not begun while a round runs', () => {
    spec.given(FULL_RUNNING).when(command).thenRefused('TRANSFER.ROUND_RUNNING');
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
      .then([started(newRound, 2, 'incremental', trigger)]);
  });

  it('is full as long as none has completed', () => {
    const history = [...FULL_RUNNING, failed(ROUND_1, 'full')];
    spec
      .given(history)
      .when(startSync('manual'))
      .then([started(newRound, 2, 'full', 'manual')]);
  });

  it('begins again after a failed one', () => {
    const history = [...INCREMENTAL_RUNNING, failed(ROUND_2, 'incremental')];
    spec
      .given(history)
      .when(startSync('manual'))
      .then([started(newRound, 3, 'incremental', 'manual')]);
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

describe('the final synchronization', () => {
  const command = { type: 'StartFinalSync' } as const;

  it('begins at once when nothing runs', () => {
    spec
      .given(FULL_DONE)
      .when(command)
      .then([started(newRound, 2, 'final')]);
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
    ['completes', { type: 'CompleteSyncRound', roundId: ROUND_2, disks: results() }, completed(ROUND_2, 'incremental')],
    ['fails', { type: 'FailSyncRound', roundId: ROUND_2, failure: FAILURE }, failed(ROUND_2, 'incremental')],
  ] as const)('begins in the moment in which the round before it %s', (_how, end, ended) => {
    spec
      .given([...INCREMENTAL_RUNNING, finalSyncQueued])
      .when(end)
      .then([ended, started(newRound, 3, 'final')]);
  });

  it('begins again after it failed, and after a target that differed', () => {
    const failedFinal = [...FINAL_RUNNING, failed(ROUND_3, 'final')];
    spec
      .given(failedFinal)
      .when(command)
      .then([started(newRound, 3, 'final')]);
    spec
      .given([...VERIFYING, differed('ac')])
      .when(command)
      .then([started(newRound, 3, 'final')]);
    spec
      .given([...VERIFYING, verificationFailed])
      .when(command)
      .then([started(newRound, 3, 'final')]);
  });

  it.each([
    ['there is no replication', [], 'TRANSFER.NOT_STARTED'],
    ['no full synchronization has completed', FULL_RUNNING, 'TRANSFER.NO_FULL_SYNC'],
    ['the target is being verified', VERIFYING, 'TRANSFER.ROUND_RUNNING'],
    ['the target is verified', VERIFIED, 'TRANSFER.FINISHED'],
  ])('is refused while %s', (_when, history, code) => {
    spec.given(history).when(command).thenRefused(code);
  });
});

describe('what the ends report of a round', () => {
  const open = (roundId: string) => ({ type: 'NoteExportsOpened', roundId, exports: EXPORTS }) as const;
  const complete = (roundId: string) => ({ type: 'CompleteSyncRound', roundId, disks: results() }) as const;
  const fail = (roundId: string) => ({ type: 'FailSyncRound', roundId, failure: FAILURE }) as const;

  it('opens its exports, once', () => {
    spec
      .given(FULL_RUNNING)
      .when(open(ROUND_1))
      .then([opened(ROUND_1)]);
    spec
      .given([...FULL_RUNNING, opened(ROUND_1)])
      .when(open(ROUND_1))
      .thenNothing();
  });

  it('completes it, with the bytes and digests of each disk', () => {
    spec
      .given([...FULL_RUNNING, opened(ROUND_1)])
      .when(complete(ROUND_1))
      .then([completed(ROUND_1, 'full')]);
  });

  it('fails it, before or after its exports were opened', () => {
    spec
      .given(FULL_RUNNING)
      .when(fail(ROUND_1))
      .then([failed(ROUND_1, 'full')]);
    spec
      .given([...FULL_RUNNING, opened(ROUND_1)])
      .when(fail(ROUND_1))
      .then([failed(ROUND_1, 'full')]);
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

describe('verifying the target', () => {
  const begin = { type: 'StartVerification' } as const;
  const compare = (disks = digests(), verificationId = VERIFICATION) =>
    ({ type: 'CompareDigests', verificationId, disks }) as const;
  const fail = (verificationId = VERIFICATION) =>
    ({ type: 'FailVerification', verificationId, failure: FAILURE }) as const;

  it('begins after a final synchronization', () => {
    spec
      .given(FINAL_DONE)
      .when(begin)
      .then([{ type: 'VerificationStarted', data: { taskId: TASK, verificationId: newVerification } }]);
  });

  it('is not begun twice, nor after it succeeded', () => {
    spec.given(VERIFYING).when(begin).thenNothing();
    spec.given(VERIFIED).when(begin).thenNothing();
  });

  it.each([
    ['there was only a full one', FULL_DONE, 'TRANSFER.NO_FINAL_SYNC'],
    ['the final one failed', [...FINAL_RUNNING, failed(ROUND_3, 'final')], 'TRANSFER.NO_FINAL_SYNC'],
    ['the final one runs', FINAL_RUNNING, 'TRANSFER.ROUND_RUNNING'],
  ])('is refused when %s', (_when, history, code) => {
    spec.given(history).when(begin).thenRefused(code);
  });

  it('succeeds when every disk of the target has the digest that the source had in the final round', () => {
    spec.given(VERIFYING).when(compare()).then([verified]);
    spec
      .given(VERIFYING)
      .when(compare(digests().toReversed()))
      .then([{ ...verified, data: { ...verified.data, disks: digests().toReversed() } } as typeof verified]);
  });

  it('names each disk that differs, with both digests', () => {
    spec
      .given(VERIFYING)
      .when(compare(digests('ac')))
      .then([differed('ac')]);
    spec
      .given(VERIFYING)
      .when(compare(digests('12')))
      .then([differed('12')]);
  });

  it('tells the digests of an earlier round from those of the final one', () => {
    expect(FULL_DONE.at(-1)).toEqual(completed(ROUND_1, 'full', '12'));
    spec
      .given(VERIFYING)
      .when(compare(digests('12')))
      .then([differed('12')]);
  });

  it.each([
    ['disk bytes', { diskBytes: 1 }],
    ['block size', { digestBlockBytes: 4096 }],
  ])('does not take equal digests over another number of %s for equal disks', (_what, other) => {
    const [first, second] = digests();
    const { events } = spec.given(VERIFYING).when(compare([{ ...first!, ...other }, second!]));
    expect(events).toMatchObject([{ type: 'ReplicaDiffered', data: { differing: [{ diskId: 'disk-a' }] } }]);
  });

  it('does not take a disk that nobody digested for equal: target', () => {
    const { events } = spec.given(VERIFYING).when(compare(digests().slice(0, 1)));
    expect(events).toMatchObject([
      {
        type: 'ReplicaDiffered',
        data: { differing: [{ diskId: 'disk-b', sourceDigest: digest('b'), targetDigest: 'missing' }] },
      },
    ]);
  });

  it.each([
    ['a missing one', results().slice(0, 1)],
    ['one reported twice in place of another', [results()[0]!, results()[0]!]],
    ['none', []],
  ])('does not take a disk that nobody digested for equal: source, %s', (_what, disks) => {
    const unlike = { type: 'SyncRoundCompleted', data: { taskId: TASK, roundId: ROUND_3, roundKind: 'final', disks } };
    const history = [...FINAL_RUNNING, opened(ROUND_3), unlike as typeof prepared, verificationStarted];
    const { events } = spec.given(history).when(compare());
    expect(events).toMatchObject([{ type: 'ReplicaDiffered' }]);
    const { differing } = (events[0] as ReturnType<typeof differed> & { type: 'ReplicaDiffered' }).data;
    expect(differing).toContainEqual({ diskId: 'disk-b', sourceDigest: 'missing', targetDigest: digest('b') });
  });

  it('can fail, and begins anew then', () => {
    spec.given(VERIFYING).when(fail()).then([verificationFailed]);
    expect(spec.given([...VERIFYING, verificationFailed]).when(begin).events).toMatchObject([
      { type: 'VerificationStarted', data: { verificationId: newVerification } },
    ]);
  });

  it('takes no report of another verification, and none when it has ended', () => {
    for (const command of [compare(digests(), ROUND_1), fail(ROUND_1)]) {
      spec.given(VERIFYING).when(command).thenRefused('TRANSFER.ROUND_UNKNOWN');
    }
    for (const history of [FINAL_DONE, VERIFIED, [...VERIFYING, differed('ac')]]) {
      spec.given(history).when(compare()).thenRefused('TRANSFER.ROUND_UNKNOWN');
      spec.given(history).when(fail()).thenRefused('TRANSFER.ROUND_UNKNOWN');
    }
  });
});

describe('the state of a replication', () => {
  it('forgets what was proven of the target as soon as it is written again', () => {
    const { state } = spec.given([...VERIFYING, differed('ac'), started(ROUND_2, 3, 'final')]);
    expect(state).toMatchObject({ verification: null, finalSyncCompleted: false, round: { kind: 'final' } });
  });

  it('keeps the exports of the round in hand until its end', () => {
    expect(spec.given(FULL_RUNNING).state).toMatchObject({ round: { roundId: ROUND_1, exports: null } });
    expect(spec.given([...FULL_RUNNING, opened(ROUND_1)]).state).toMatchObject({ round: { exports: EXPORTS } });
    expect(spec.given(FULL_DONE).state).toMatchObject({ round: null, disks: DISKS, roundsStarted: 1 });
  });
});
