import { describe, expect, it } from 'vitest';
import { type SyncRoundView, syncRoundView } from '#libs/contracts';
import { metadataOf } from '#libs/eventsourcing';
import { exampleContext } from '#libs/testing';
import type { ReplicationEvent } from '../domain/replication.events.js';
import {
  FAILURE,
  ROUND_1,
  ROUND_2,
  VERIFIED,
  completed,
  failed,
  opened,
  prepared,
  results,
  started,
} from '../replication.examples.js';
import { evolveRounds } from './sync-rounds.js';

const minute = (index: number): string => new Date(Date.UTC(2026, 2, 1, 10, index)).toISOString();

/** One event a minute. */
const roundsAfter = (history: readonly ReplicationEvent[]): readonly SyncRoundView[] =>
  history.reduce<readonly SyncRoundView[]>(
    (rounds, event, index) =>
      evolveRounds(rounds, event, { metadata: metadataOf(exampleContext({ now: minute(index) }), 'transfer') }),
    [],
  );

describe('the rounds of a replication as people see them', () => {
  const begun = { roundId: ROUND_1, number: 1, roundKind: 'full', trigger: 'itinerary', startedAt: minute(1) };
  const open = { status: 'opening-exports', endedAt: null, disks: [], failure: null };
  const history = [prepared, started(ROUND_1, 1, 'full'), opened(ROUND_1), completed(ROUND_1, 'full')];

  it.each([
    ['have none before the first', 1, []],
    ['begin with opening the exports', 2, [{ ...begun, ...open }]],
    ['go on with the transfer', 3, [{ ...begun, ...open, status: 'transferring' }]],
    ['end with what was sent', 4, [{ ...begun, ...open, status: 'completed', endedAt: minute(3), disks: results() }]],
  ])('%s', (_what, count, rounds) => {
    expect(roundsAfter(history.slice(0, count))).toEqual(rounds);
  });

  it('end with why they failed', () => {
    expect(roundsAfter([prepared, started(ROUND_1, 1, 'full'), failed(ROUND_1, 'full')])).toEqual([
      { ...begun, ...open, status: 'failed', endedAt: minute(2), failure: FAILURE },
    ]);
  });

  it('leave earlier rounds as they were, the newest last', () => {
    const rounds = roundsAfter([...history, started(ROUND_2, 2, 'incremental', 'schedule'), opened(ROUND_2)]);
    expect(rounds.map(({ number, status, trigger }) => [number, status, trigger])).toEqual([
      [1, 'completed', 'itinerary'],
      [2, 'transferring', 'schedule'],
    ]);
  });

  it('are the same object when nothing of them changed, so that no row is written', () => {
    const before = roundsAfter(history);
    const metadata = metadataOf(exampleContext(), 'transfer');
    const others = VERIFIED.filter(({ type }) => !/^(SyncRound(Started|Completed|Failed)|ExportsOpened)$/.test(type));
    expect(others.length).toBeGreaterThan(2);
    for (const event of others) expect(evolveRounds(before, event, { metadata })).toBe(before);
  });

  it('have the shape of the contract', () => {
    for (const round of roundsAfter(VERIFIED)) expect(() => syncRoundView.parse(round)).not.toThrow();
  });
});
