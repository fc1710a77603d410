import { describe, expect, it } from 'vitest';
import { type SyncRoundView, syncRoundView } from '#libs/contracts';
import { metadataOf } from '#libs/eventsourcing';
import { exampleContext } from '#libs/testing';
import type { ReplicationEvent } from '../domain/replication.events.js';
import * as example from '../replication.examples.js';
import { evolveRounds } from './sync-rounds.js';

const {
  FAILURE,
  FULL_BEGUN,
  FULL_DONE,
  ROUND_1,
  ROUND_2,
  TASK,
  VERIFIED,
  completed,
  established,
  failed,
  linkLost,
  opened,
  paused,
  prepared,
  resent,
  results,
  resumed,
  started,
} = example;

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
  const open = {
    status: 'opening-exports',
    attempts: 1,
    comparison: null,
    resend: false,
    endedAt: null,
    disks: [],
    failure: null,
  };
  const history = [
    prepared,
    started(ROUND_1, 1, 'full'),
    opened(ROUND_1),
    established(ROUND_1, 1, 'rescan'),
    completed(ROUND_1, 'full'),
  ];

  it.each([
    ['have none before the first', 1, []],
    ['begin with opening the exports', 2, [{ ...begun, ...open }]],
    ['go on with reaching them', 3, [{ ...begun, ...open, status: 'connecting' }]],
    ['go on with the transfer', 4, [{ ...begun, ...open, status: 'transferring', comparison: 'rescan' }]],
    [
      'end with what was sent',
      5,
      [{ ...begun, ...open, status: 'completed', comparison: 'rescan', endedAt: minute(4), disks: results() }],
    ],
  ])('%s', (_what, count, rounds) => {
    expect(roundsAfter(history.slice(0, count))).toEqual(rounds);
  });

  it('say why all used blocks were compared', () => {
    const data = {
      taskId: TASK,
      roundId: ROUND_1,
      attempt: 1,
      comparison: 'rescan',
      rescanReason: 'raw-command',
    } as const;
    const rounds = roundsAfter([...history.slice(0, 3), { type: 'LinkEstablished', data }]);
    expect(rounds).toMatchObject([{ comparison: 'rescan', rescanReason: 'raw-command' }]);
  });

  it('end with why they failed', () => {
    expect(roundsAfter([prepared, started(ROUND_1, 1, 'full'), failed(ROUND_1, 'full')])).toEqual([
      { ...begun, ...open, status: 'failed', endedAt: minute(2), failure: FAILURE },
    ]);
  });

  it('say when everything was sent again', () => {
    expect(roundsAfter([prepared, resent(started(ROUND_1, 1, 'full', 'manual'))])).toMatchObject([{ resend: true }]);
  });

  it.each<[string, readonly ReplicationEvent[], Partial<SyncRoundView>]>([
    ['a lost link', [linkLost(ROUND_1)], { status: 'link-lost', attempts: 2 }],
    ['a lost link whose disks are served again', [linkLost(ROUND_1), opened(ROUND_1, 2)], { status: 'link-lost' }],
    [
      'a link that was lost, and is there again',
      [linkLost(ROUND_1), opened(ROUND_1, 2), established(ROUND_1, 2)],
      { status: 'transferring', attempts: 2 },
    ],
    ['a pause', [paused], { status: 'paused', attempts: 1 }],
    ['the end of a pause', [paused, resumed], { status: 'opening-exports', attempts: 2 }],
    [
      'a pause while the link is lost',
      [linkLost(ROUND_1), paused, resumed],
      { status: 'opening-exports', attempts: 3 },
    ],
    ['its end in a pause', [paused, completed(ROUND_1, 'full')], { status: 'completed', attempts: 1 }],
  ])('show %s', (_what, events, shown) => {
    expect(roundsAfter([...FULL_BEGUN, ...events])).toMatchObject([shown]);
  });

  it('leave earlier rounds as they were, the newest last', () => {
    const second = [started(ROUND_2, 2, 'incremental', 'schedule'), opened(ROUND_2), linkLost(ROUND_2), paused];
    const rounds = roundsAfter([...history, ...second]);
    expect(rounds.map(({ number, status, trigger, attempts }) => [number, status, trigger, attempts])).toEqual([
      [1, 'completed', 'itinerary', 1],
      [2, 'paused', 'schedule', 2],
    ]);
  });

  it('are the same object when nothing of them changed, so that no row is written', () => {
    const before = roundsAfter(FULL_DONE);
    const metadata = metadataOf(exampleContext(), 'transfer');
    const others = VERIFIED.filter(
      ({ type }) => !/^(SyncRound(Started|Completed|Failed)|ExportsOpened|LinkEstablished)$/.test(type),
    );
    expect(others.length).toBeGreaterThan(4);
    for (const event of [...others, paused, resumed]) expect(evolveRounds(before, event, { metadata })).toBe(before);
  });

  it('have the shape of the contract', () => {
    for (const round of roundsAfter(VERIFIED)) expect(() => syncRoundView.parse(round)).not.toThrow();
  });
});
