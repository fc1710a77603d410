import { describe, expect, it } from 'vitest';
import { exampleRound } from '../gateway/example-documents.js';
import { plainPaint } from '../terminal/paint.js';
import { renderRounds, totalsOf } from './render-rounds.js';

describe('the table of rounds', () => {
  it('shows what completed, what failed and what runs', () => {
    const failure = { code: 'DATA_PATH_LOST', detail: 'connection reset', remedy: 'Check the network.' };
    const rounds = [
      exampleRound(),
      exampleRound({
        number: 2,
        roundKind: 'incremental',
        trigger: 'schedule',
        status: 'failed',
        comparison: 'rescan',
        attempts: 3,
        disks: [],
        failure,
      }),
      exampleRound({ number: 3, resend: true, trigger: 'manual', status: 'link-lost', endedAt: null, disks: [] }),
      exampleRound({
        number: 4,
        roundKind: 'incremental',
        comparison: 'tracked',
        status: 'paused',
        endedAt: null,
        disks: [],
      }),
      exampleRound({ number: 5, roundKind: 'final', status: 'connecting', comparison: null, endedAt: null, disks: [] }),
    ];
    expect(renderRounds(rounds, plainPaint).split('\n')).toEqual([
      'ROUND  KIND         TRIGGER    MODE     STATUS                             STARTED (UTC)         DISK   USED     SENT  SENT/USED  DURATION      RATE',
      '    1  full         itinerary  all      completed                          2026-03-01 12:00:00  2 GiB  1 GiB  960 MiB      0.938    10.0 s  96 MiB/s',
      '    2  incremental  schedule   RESCAN   failed: DATA_PATH_LOST, attempt 3  2026-03-01 12:00:00      -      -        -          -    10.0 s         -',
      '    3  full         manual     resend   link lost                          2026-03-01 12:00:00      -      -        -          -         -         -',
      '    4  incremental  itinerary  tracked  paused                             2026-03-01 12:00:00      -      -        -          -         -         -',
      '    5  final        itinerary  -        connecting                         2026-03-01 12:00:00      -      -        -          -         -         -',
    ]);
  });

  it('names the blocks that a round repaired', () => {
    const [disk] = exampleRound().disks;
    const at = (block: number) => ({ offsetBytes: block * 65_536, lengthBytes: 65_536 });
    const repairing = (repaired: NonNullable<typeof disk>['repaired']) =>
      renderRounds([exampleRound({ trigger: 'repair', disks: [{ ...disk!, repaired }] })], plainPaint)
        .split('\n')
        .slice(2);
    expect(repairing({ blockCount: 1, ranges: [at(2)] })).toEqual([
      'Round 1 resent 1 block that differed on disk sda: 64 KiB at byte 131072',
    ]);
    expect(repairing({ blockCount: 9, ranges: [at(2), at(5)], rangesLeftOut: 7 })).toEqual([
      'Round 1 resent 9 blocks that differed on disk sda: 64 KiB at byte 131072, 64 KiB at byte 327680, 7 more ranges',
    ]);
    expect(repairing({ blockCount: 0, ranges: [] })).toEqual(['Round 1 resent 0 blocks that differed on disk sda']);
    expect(repairing(undefined)).toEqual([]);
  });

  it('warns of a final round whose source was not at rest', () => {
    const [disk] = exampleRound().disks;
    const final = (stillness: NonNullable<typeof disk>['stillness']) =>
      renderRounds([exampleRound({ roundKind: 'final', disks: [{ ...disk!, stillness }] })], plainPaint)
        .split('\n')
        .slice(2);
    expect(final('uncertain')).toEqual([
      "Round 1 read a source that was being written to, or could not tell: check the target's file systems.",
    ]);
    for (const stillness of ['frozen', 'unwritten', undefined] as const) expect(final(stillness)).toEqual([]);
  });

  it('says so when there is none', () => {
    expect(renderRounds([], plainPaint)).toBe('No synchronization has started yet.');
  });

  it('adds up disks, and has no ratio to nothing', () => {
    const [disk] = exampleRound().disks;
    if (disk === undefined) throw new Error('no disk');
    const two = exampleRound({ disks: [disk, { ...disk, diskId: 'sdb', sentBytes: 1024, usedBytes: 0 }] });
    expect(totalsOf(two)).toMatchObject({
      diskBytes: 4 * 1024 ** 3,
      usedBytes: 1024 ** 3,
      sentBytes: 960 * 1024 ** 2 + 1024,
    });
    expect(totalsOf(exampleRound({ disks: [{ ...disk, usedBytes: 0 }] })).ratio).toBeNull();
  });
});
