import { describe, expect, it } from 'vitest';
import { uuidV5 } from '#libs/eventsourcing';
import { DeciderSpec, exampleContext } from '#libs/testing';
import * as example from '../replication.examples.js';
import { replicationDecider } from './replication.decider.js';
import type { ReplicationEvent } from './replication.events.js';

const {
  DIGESTING,
  FAILING,
  FINAL_BEGUN,
  FINAL_DONE,
  FINAL_RUNNING,
  FULL_DONE,
  ROUND_1,
  ROUND_3,
  TASK,
  VERIFICATION,
  VERIFIED,
  VERIFYING,
  after,
  completed,
  differed,
  digest,
  digests,
  digestsBegun,
  failed,
  left,
  paused,
  results,
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
    for (const history of [VERIFYING, DIGESTING, VERIFIED]) spec.given(history).when(start).thenNothing();
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
    for (const history of [FINAL_DONE, VERIFIED, [...DIGESTING, differed('ac')]]) {
      for (const command of [begin(), compare(), fail()]) {
        spec.given(history).when(command).thenRefused('TRANSFER.ROUND_UNKNOWN');
      }
    }
  });

  it('leaves nothing to wait for', () => {
    const away = [...DIGESTING, left(VERIFICATION, 'restorer'), windowOpened(VERIFICATION, 4, 'restorer-away')];
    for (const end of [compare(), compare(digests('ac')), fail()]) {
      expect(spec.given(away).when(end).state).toMatchObject({ window: null, away: [] });
    }
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

  it('names each disk that differs, with both digests', () => {
    for (const digits of ['ac', '12']) {
      spec
        .given(DIGESTING)
        .when(compare(digests(digits)))
        .then([differed(digits)]);
    }
  });

  it('tells the digests of an earlier round from those of the final one', () => {
    expect(FULL_DONE.at(-1)).toEqual(completed(ROUND_1, 'full', '12'));
    spec
      .given(DIGESTING)
      .when(compare(digests('12')))
      .then([differed('12')]);
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
    expect(events).toMatchObject([{ type: 'ReplicaDiffered', data: { differing: [{ diskId: 'disk-a' }] } }]);
  });

  it('does not take a disk that nobody digested for equal: target', () => {
    const { events } = spec.given(DIGESTING).when(compare(digests().slice(0, 1)));
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
    const unlike: ReplicationEvent = {
      type: 'SyncRoundCompleted',
      data: { taskId: TASK, roundId: ROUND_3, roundKind: 'final', disks },
    };
    const { events } = spec.given([...FINAL_BEGUN, unlike, verificationStarted]).when(compare());
    expect(events).toMatchObject([{ type: 'ReplicaDiffered' }]);
    const { differing } = (events[0] as ReplicationEvent & { type: 'ReplicaDiffered' }).data;
    expect(differing).toContainEqual({ diskId: 'disk-b', sourceDigest: 'missing', targetDigest: digest('b') });
  });
});
