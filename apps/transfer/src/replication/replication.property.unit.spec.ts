import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError, fold } from '#libs/eventsourcing';
import { expectFoldToSurviveTheReadModel, expectRepeatsToChangeNothing, nthContext } from '#libs/testing';
import type { ReplicationCommand } from './domain/replication.commands.js';
import type { ReplicationEvent } from './domain/replication.events.js';
import { replications } from './replication.aggregate.js';
import { EXPORTS, FAILURE, ORDER, digests, results } from './replication.examples.js';

/**
 * A move of a person, the schedule, the workflow or an end. Reports name the round or verification in hand, so most of
 * them are taken; `stale` ones name an earlier one.
 */
type Move =
  | 'full'
  | 'manual'
  | 'schedule'
  | 'final'
  | 'open'
  | 'complete'
  | 'fail'
  | 'verify'
  | 'equal'
  | 'different'
  | 'unverifiable'
  | 'stale-complete'
  | 'stale-fail';

const MOVES: readonly Move[] = [
  'full',
  'manual',
  'schedule',
  'final',
  'open',
  'complete',
  'fail',
  'verify',
  'equal',
  'different',
  'unverifiable',
  'stale-complete',
  'stale-fail',
];
const NONE = '00000000-0000-4000-8000-000000000000';

const commandFor = (move: Move, history: readonly ReplicationEvent[]): ReplicationCommand => {
  const state = fold(replications.decider, history);
  const roundId = state?.round?.roundId ?? NONE;
  const verificationId = state?.verification?.verificationId ?? NONE;
  const first = history.find((event) => event.type === 'SyncRoundStarted')?.data.roundId ?? NONE;
  switch (move) {
    case 'full':
      return { type: 'StartFullSync', replication: ORDER };
    case 'manual':
    case 'schedule':
      return { type: 'StartSyncRound', trigger: move };
    case 'final':
      return { type: 'StartFinalSync' };
    case 'open':
      return { type: 'NoteExportsOpened', roundId, exports: EXPORTS };
    case 'complete':
      return { type: 'CompleteSyncRound', roundId, disks: results() };
    case 'fail':
      return { type: 'FailSyncRound', roundId, failure: FAILURE };
    case 'verify':
      return { type: 'StartVerification' };
    case 'equal':
      return { type: 'CompareDigests', verificationId, disks: digests() };
    case 'different':
      return { type: 'CompareDigests', verificationId, disks: digests('ac') };
    case 'unverifiable':
      return { type: 'FailVerification', verificationId, failure: FAILURE };
    case 'stale-complete':
      return { type: 'CompleteSyncRound', roundId: first, disks: results() };
    case 'stale-fail':
      return { type: 'FailSyncRound', roundId: first, failure: FAILURE };
  }
};

interface Played {
  readonly commands: readonly ReplicationCommand[];
  readonly history: readonly ReplicationEvent[];
}

/** Plays moves into the commands that they mean where they come, and the history that these lead to. */
const play = (moves: readonly Move[]): Played => {
  const { decide } = replications.decider;
  const commands: ReplicationCommand[] = [];
  const history: ReplicationEvent[] = [];
  for (const [index, move] of moves.entries()) {
    const command = commandFor(move, history);
    commands.push(command);
    try {
      history.push(...decide(command, fold(replications.decider, history), nthContext(index)));
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
    }
  }
  return { commands, history };
};

const moves = fc.array(fc.constantFrom(...MOVES), { minLength: 1, maxLength: 30 });
const ROUND: readonly Move[] = ['open', 'complete'];
/** Beginnings that get every part of a migration its share of the random moves. */
const BEGINNINGS: readonly (readonly Move[])[] = [
  [],
  ['full', ...ROUND],
  ['full', ...ROUND, 'manual', 'final'],
  ['full', ...ROUND, 'final', ...ROUND, 'verify'],
  ['full', ...ROUND, 'final', ...ROUND, 'verify', 'equal'],
];
const anyMoves = fc.tuple(fc.constantFrom(...BEGINNINGS), moves).map((parts) => parts.flat());

const always = (check: (played: Played) => void | Promise<void>): Promise<void> =>
  fc.assert(
    fc.asyncProperty(anyMoves, async (each) => check(play(each))),
    { numRuns: 200 },
  );

const typesOf = (history: readonly ReplicationEvent[]): string => history.map(({ type }) => type).join(' ');

describe('whatever happens to a replication', () => {
  it('never has two rounds at once, and each ends at most once', () =>
    always(({ history }) => {
      let running: string | null = null;
      let number = 0;
      for (const event of history) {
        if (event.type === 'SyncRoundStarted') {
          expect(running, typesOf(history)).toBeNull();
          running = event.data.roundId;
          number += 1;
          expect(event.data.number).toBe(number);
        }
        if (event.type === 'SyncRoundCompleted' || event.type === 'SyncRoundFailed') {
          expect(event.data.roundId, typesOf(history)).toBe(running);
          running = null;
        }
      }
    }));

  it('takes its final synchronization for complete only from a final round to the next write', () =>
    always(({ history }) => {
      history.forEach((_event, index) => {
        const past = history.slice(0, index + 1);
        const lastTouch = past.findLast(({ type }) => type === 'SyncRoundStarted' || type === 'SyncRoundCompleted');
        const isFinal = lastTouch?.type === 'SyncRoundCompleted' && lastTouch.data.roundKind === 'final';
        expect(fold(replications.decider, past)?.finalSyncCompleted).toBe(isFinal);
      });
    }));

  it('verifies a target only while nothing writes it, after a final round', () =>
    always(({ history }) => {
      let isFinal = false;
      let writing = false;
      for (const event of history) {
        if (event.type === 'SyncRoundStarted') [writing, isFinal] = [true, false];
        if (event.type === 'SyncRoundFailed') writing = false;
        if (event.type === 'SyncRoundCompleted') [writing, isFinal] = [false, event.data.roundKind === 'final'];
        if (event.type === 'VerificationStarted' || event.type === 'ReplicaVerified') {
          expect([writing, isFinal], typesOf(history)).toEqual([false, true]);
        }
      }
    }));

  it('never writes a target again once it is verified', () =>
    always(({ history }) => {
      const verifiedAt = history.findIndex(({ type }) => type === 'ReplicaVerified');
      const after = verifiedAt === -1 ? [] : history.slice(verifiedAt + 1);
      expect(
        after.every(({ type }) => type === 'SyncRoundSkipped'),
        typesOf(history),
      ).toBe(true);
    }));

  it('begins a queued final synchronization as soon as the round before it ends', () =>
    always(({ history }) => {
      history.forEach(({ type }, index) => {
        if (type !== 'FinalSyncQueued') return;
        const end = history.findIndex(
          (event, at) => at > index && (event.type === 'SyncRoundCompleted' || event.type === 'SyncRoundFailed'),
        );
        if (end !== -1) expect(history[end + 1]).toMatchObject({ data: { roundKind: 'final' } });
      });
    }));

  it('has a state that a read model keeps as it is', () =>
    always(({ history }) => expectFoldToSurviveTheReadModel(replications.decider, history)));

  it('is not changed by commands that come again', () =>
    always(({ commands }) => expectRepeatsToChangeNothing(replications, commands)));
});

it('the moves lead to every event there is', () => {
  const reached = fc.sample(anyMoves, { numRuns: 200, seed: 1 }).flatMap((each) => play(each).history);
  const types = new Set(reached.map((event) => replications.codec.encode(event).storedType));
  expect([...types].toSorted()).toEqual(replications.codec.storedTypes.toSorted());
});
