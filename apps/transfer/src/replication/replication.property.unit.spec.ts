import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError, fold } from '#libs/eventsourcing';
import { expectFoldToSurviveTheReadModel, expectRepeatsToChangeNothing, nthContext } from '#libs/testing';
import type { ReplicationCommand } from './domain/replication.commands.js';
import type { ReplicationEvent } from './domain/replication.events.js';
import {
  type Replication,
  type ReplicationState,
  dueAtOf,
  isDigesting,
  isRepairing,
} from './domain/replication.state.js';
import { workInHand } from './domain/resume-window.js';
import { replications } from './replication.aggregate.js';
import { BEGINNINGS, MOVES, type Move, SHORT, commandFor } from './replication.moves.js';

const { decide, evolve, initialState } = replications.decider;

interface Played {
  readonly commands: readonly ReplicationCommand[];
  readonly history: readonly ReplicationEvent[];
  /** When each event of the history was recorded. */
  readonly moments: readonly string[];
  /** The state after each command. */
  readonly states: readonly ReplicationState[];
}

const decided = (...[command, state, context]: Parameters<typeof decide>): readonly ReplicationEvent[] => {
  try {
    return decide(command, state, context);
  } catch (error) {
    if (error instanceof DomainError) return [];
    throw error;
  }
};

/** Plays moves into the commands that they mean where they come, and the history that these lead to. */
const play = (moves: readonly Move[]): Played => {
  const commands: ReplicationCommand[] = [];
  const history: ReplicationEvent[] = [];
  const moments: string[] = [];
  const states: ReplicationState[] = [];
  let state = initialState;
  let firstRound: string | null = null;
  for (const [index, move] of moves.entries()) {
    const context = nthContext(index);
    const command = commandFor(move, { state, firstRound, at: context.now });
    commands.push(command);
    for (const event of decided(command, state, context)) {
      history.push(event);
      moments.push(context.now);
      state = evolve(state, event);
      if (event.type === 'SyncRoundStarted') firstRound ??= event.data.roundId;
    }
    states.push(state);
  }
  return { commands, history, moments, states };
};

const moves = fc.array(fc.constantFrom(...MOVES), { minLength: 1, maxLength: 40 });
const anyMoves = fc.tuple(fc.constantFrom(...BEGINNINGS), moves).map((parts) => parts.flat());

const always = (check: (played: Played) => void | Promise<void>): Promise<void> =>
  fc.assert(
    fc.asyncProperty(anyMoves, async (each) => check(play(each))),
    { numRuns: 150 },
  );
const everyState = (check: (state: Replication) => void): Promise<void> =>
  always(({ states }) => {
    for (const state of states) if (state !== null) check(state);
  });

const typesOf = (history: readonly ReplicationEvent[]): string => history.map(({ type }) => type).join(' ');
type EventOf<Type extends ReplicationEvent['type']> = Extract<ReplicationEvent, { type: Type }>;
const isOneOf = <const Types extends readonly ReplicationEvent['type'][]>(
  event: ReplicationEvent | undefined,
  ...types: Types
): event is EventOf<Types[number]> => event !== undefined && types.includes(event.type);
const isRoundEnd = (event: ReplicationEvent) => isOneOf(event, 'SyncRoundCompleted', 'SyncRoundFailed');
const isEndOfWork = (event: ReplicationEvent) =>
  isRoundEnd(event) || isOneOf(event, 'RepairStarted', 'ReplicaVerified', 'ReplicaDiffered', 'VerificationFailed');

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
        if (isOneOf(event, 'SyncRoundCompleted', 'SyncRoundFailed')) {
          expect(event.data.roundId, typesOf(history)).toBe(running);
          running = null;
        }
      }
    }));

  it('takes its final synchronization for complete only from a final round to the next write or cancellation', () =>
    always(({ history }) => {
      history.forEach((_event, index) => {
        const past = history.slice(0, index + 1);
        const lastTouch = past.findLast((event) =>
          isOneOf(event, 'SyncRoundStarted', 'SyncRoundCompleted', 'RepairStarted', 'ReplicationReinstated'),
        );
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
        if (isOneOf(event, 'VerificationStarted', 'DigestsBegun', 'ReplicaVerified')) {
          expect([writing, isFinal], typesOf(history)).toEqual([false, true]);
        }
      }
    }));

  it('repairs a target at most once before it is found to differ, and verifies it after each repair', () =>
    always(({ history }) => {
      let isRepaired = false;
      for (const event of history) {
        if (event.type === 'RepairStarted') {
          expect(isRepaired, typesOf(history)).toBe(false);
          isRepaired = true;
        }
        if (event.type === 'ReplicaDiffered') expect(isRepaired, typesOf(history)).toBe(true);
        // Whatever ends the verification ends the repair with it; the next verification may repair once, too.
        if (isOneOf(event, 'ReplicaVerified', 'ReplicaDiffered', 'VerificationFailed')) isRepaired = false;
      }
    }));

  it('leaves no repair without the work, the retry or the verification that goes on with it', () =>
    everyState((state) => {
      if (!isRepairing(state) || state.isPaused) return;
      expect(state.round !== null || state.retry !== null, JSON.stringify(state)).toBe(true);
    }));

  it('never writes a target again once it is verified, unless that was for a cutover that was cancelled', () =>
    always(({ history }) => {
      let isProven = false;
      for (const event of history) {
        if (event.type === 'ReplicationReinstated') isProven = false;
        if (isProven) expect(event.type, typesOf(history)).toMatch(/^(SyncRoundSkipped$|Replication)/);
        if (event.type === 'ReplicaVerified') isProven = true;
      }
    }));

  it('begins a queued final synchronization in the moment in which nothing is before it', () =>
    everyState(({ finalSyncQueued, round, isPaused, isStopped }) => {
      if (finalSyncQueued) expect(isStopped || (round === null && !isPaused)).toBe(false);
    }));

  it('lets no round but a final one begin from the wish for one to its completion, failure or cancellation', () =>
    always(({ history }) => {
      let isPending = false;
      for (const event of history) {
        if (event.type === 'SyncRoundStarted') {
          if (isPending) expect(event.data.roundKind, typesOf(history)).toBe('final');
          isPending = event.data.roundKind === 'final';
        }
        if (event.type === 'FinalSyncQueued') isPending = true;
        if (event.type === 'SyncRoundFailed' && event.data.roundKind === 'final') isPending = 'retryAt' in event.data;
        if (event.type === 'ReplicationStopped') isPending = false;
      }
    }));

  it('begins nothing while it is paused or stopped', () =>
    always(({ history }) => {
      let rest: string | null = null;
      for (const event of history) {
        if (isOneOf(event, 'ReplicationPaused', 'ReplicationStopped')) rest = event.type;
        if (isOneOf(event, 'ReplicationResumed', 'ReplicationReinstated')) rest = null;
        if (rest === null) continue;
        const begins =
          /^(SyncRoundStarted|ExportsOpened|Link|ResumeWindow|ControlChannel|VerificationStarted|DigestsBegun)/;
        expect(event.type, `${rest}: ${typesOf(history)}`).not.toMatch(begins);
      }
    }));

  it('has a state that a read model keeps as it is', () =>
    always(({ history }) => expectFoldToSurviveTheReadModel(replications.decider, history)));

  it('is not changed by commands that come again', () =>
    always(({ commands }) => expectRepeatsToChangeNothing(replications, commands)));
});

describe('the attempts of a round', () => {
  it('only grow, and each is served and linked at most once, in that order', () =>
    always(({ history }) => {
      let attempt = 0;
      let done: 'nothing' | 'served' | 'linked' = 'nothing';
      for (const event of history) {
        if (event.type === 'SyncRoundStarted') [attempt, done] = [1, 'nothing'];
        if (event.type === 'ExportsOpened') {
          expect([event.data.attempt, done], typesOf(history)).toEqual([attempt, 'nothing']);
          done = 'served';
        }
        if (event.type === 'LinkEstablished') {
          expect([event.data.attempt, done], typesOf(history)).toEqual([attempt, 'served']);
          done = 'linked';
        }
        if (event.type === 'LinkLost') {
          expect(event.data.attempt).toBe(attempt);
          [attempt, done] = [attempt + 1, 'nothing'];
        }
        if (event.type === 'ReplicationResumed') [attempt, done] = [attempt + 1, 'nothing'];
      }
    }));
});

describe('a resume window', () => {
  it('is the only one, and what ends or moves it names it', () =>
    always(({ history }) => {
      let open: EventOf<'ResumeWindowOpened'>['data'] | null = null;
      let generation = 0;
      for (const event of history) {
        if (isOneOf(event, 'ResumeWindowOpened', 'RetryScheduled')) {
          expect(event.data.generation, typesOf(history)).toBe(generation + 1);
          generation += 1;
        }
        if (event.type === 'ResumeWindowOpened') {
          expect(open, typesOf(history)).toBeNull();
          open = event.data;
        } else if (event.type.startsWith('ResumeWindow')) {
          const { workId, generation } = open ?? {};
          expect(event.data, typesOf(history)).toMatchObject({ workId, generation });
          if (event.type !== 'ResumeWindowExtended') open = null;
        }
        if (isEndOfWork(event) || event.type === 'ReplicationPaused') open = null;
      }
    }));

  it('expires at its deadline or later, and the work that waited fails with it', () =>
    always(({ history, moments }) => {
      for (const [index, event] of history.entries()) {
        if (event.type !== 'ResumeWindowExpired') continue;
        expect(event.data.deadlineAt <= moments[index]!).toBe(true);
        const end = history[index + 1];
        expect(isOneOf(end, 'SyncRoundFailed', 'VerificationFailed'), typesOf(history)).toBe(true);
        expect(Object.values(end?.data ?? {})).toContain(event.data.workId);
      }
    }));

  it('bounds all work that does not go on, and nothing else', () =>
    everyState((state) => {
      const { round, verification, away, window } = state;
      const isResting = state.isPaused || state.isStopped;
      const goesOn =
        round === null
          ? verification?.isBegun === true && !away.includes('restorer')
          : round.link === 'up' && !away.includes('agent');
      const waits = workInHand(state) !== null && !isResting && !goesOn;
      expect(window !== null, JSON.stringify(state)).toBe(waits);
    }));

  it('is over in the end when nobody does anything any more but look at the time', () =>
    everyState((first) => {
      let state: ReplicationState = first;
      for (let looks = 0, now = dueAtOf(state); now !== null; now = dueAtOf(state), looks += 1) {
        expect(looks).toBeLessThan(10);
        const command = { type: 'ReachDeadline', generation: state!.generation, seenAt: null } as const;
        const before = new Date(Date.parse(now) - 1).toISOString();
        expect(decide(command, state, { ...nthContext(1_000 + looks), now: before })).toEqual([]);
        const events = decide(command, state, { ...nthContext(1_000 + looks), now });
        expect(events).not.toEqual([]);
        state = events.reduce(evolve, state);
      }
    }));
});

describe('a retry', () => {
  it('is started at its time or later, replaced by another round, or given up when the task is cancelled', () =>
    always(({ history, moments, states }) => {
      for (const [index, event] of history.entries()) {
        if (event.type !== 'RetryScheduled') continue;
        const after = history.findIndex(
          (later, at) => at > index && isOneOf(later, 'SyncRoundStarted', 'ReplicationStopped'),
        );
        const next = history[after];
        if (next === undefined) expect(states.at(-1)?.retry?.retryAt).toBe(event.data.retryAt);
        if (next?.type !== 'SyncRoundStarted' || next.data.trigger !== 'retry') continue;
        expect(next.data.roundKind).toBe(event.data.roundKind);
        expect(next.data.resend).toBe(event.data.resend);
        expect(event.data.retryAt <= moments[after]!).toBe(true);
      }
    }));

  it('begins no round that was not announced, and not more of them than are allowed', () =>
    always(({ history }) => {
      let isAnnounced = false;
      for (const event of history) {
        if (event.type === 'RetryScheduled') {
          isAnnounced = true;
          expect(event.data.retryNumber).toBeLessThanOrEqual(SHORT.retryLimit);
        }
        if (event.type === 'ReplicationStopped') isAnnounced = false;
        if (event.type !== 'SyncRoundStarted') continue;
        if (event.data.trigger === 'retry') expect(isAnnounced, typesOf(history)).toBe(true);
        isAnnounced = false;
      }
    }));

  it('is waited for only while there is no work', () =>
    everyState((state) => {
      if (state.retry === null) return;
      expect([state.round, state.isStopped, isDigesting(state)]).toEqual([null, false, false]);
    }));
});

it('the moves lead to every event there is', () => {
  const reached = fc.sample(anyMoves, { numRuns: 300, seed: 1 }).flatMap((each) => play(each).history);
  const types = new Set(reached.map((event) => replications.codec.encode(event).storedType));
  expect([...types].toSorted()).toEqual(replications.codec.storedTypes.toSorted());
});
