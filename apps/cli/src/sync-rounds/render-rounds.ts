import type { SyncRoundView } from '#libs/contracts';
import type { Paint } from '../terminal/paint.js';
import { durationInWords, momentInWords, rateInWords, sizeInWords } from '../terminal/quantities-in-words.js';
import { renderTable, withoutControlCharacters as clean } from '../terminal/table.js';

/** The disks of a round taken together. Sizes in bytes, times in milliseconds. */
export type RoundTotals = {
  readonly diskBytes: number;
  readonly usedBytes: number;
  readonly sentBytes: number;
  readonly zeroedBytes: number;
  readonly durationMs: number | null;
  /** Sent of used; null when nothing is used. */
  readonly ratio: number | null;
};

/** The duration is the round's own, from its start to its end; the disks are worked on side by side. */
export function totalsOf(round: SyncRoundView): RoundTotals {
  const sum = (pick: (disk: SyncRoundView['disks'][number]) => number) =>
    round.disks.reduce((total, disk) => total + pick(disk), 0);
  const usedBytes = sum((disk) => disk.usedBytes);
  const sentBytes = sum((disk) => disk.sentBytes);
  return {
    diskBytes: sum((disk) => disk.diskBytes),
    usedBytes,
    sentBytes,
    zeroedBytes: sum((disk) => disk.zeroedBytes),
    durationMs: round.endedAt === null ? null : Date.parse(round.endedAt) - Date.parse(round.startedAt),
    ratio: usedBytes === 0 ? null : sentBytes / usedBytes,
  };
}

export function renderRounds(rounds: readonly SyncRoundView[], paint: Paint): string {
  if (rounds.length === 0) return 'No synchronization has started yet.';
  const ended = (round: SyncRoundView, text: (totals: RoundTotals) => string) =>
    round.disks.length === 0 ? '-' : text(totalsOf(round));
  const table = renderTable<SyncRoundView>(
    [
      { title: 'ROUND', align: 'right', cell: ({ number }) => String(number) },
      { title: 'KIND', cell: ({ roundKind }) => roundKind },
      { title: 'TRIGGER', cell: ({ trigger }) => trigger },
      { title: 'MODE', cell: modeOf },
      { title: 'STATUS', cell: (round) => statusOf(round, paint) },
      { title: 'STARTED (UTC)', cell: ({ startedAt }) => momentInWords(startedAt) },
      { title: 'DISK', align: 'right', cell: (round) => ended(round, ({ diskBytes }) => sizeInWords(diskBytes)) },
      { title: 'USED', align: 'right', cell: (round) => ended(round, ({ usedBytes }) => sizeInWords(usedBytes)) },
      { title: 'SENT', align: 'right', cell: (round) => ended(round, ({ sentBytes }) => sizeInWords(sentBytes)) },
      { title: 'SENT/USED', align: 'right', cell: (round) => ended(round, ratioOf) },
      { title: 'DURATION', align: 'right', cell: (round) => durationOf(round) },
      { title: 'RATE', align: 'right', cell: (round) => ended(round, rateOf) },
    ],
    rounds,
    paint,
  );
  return [table, ...rounds.flatMap(repairsOf), ...rounds.flatMap(restlessnessOf)].join('\n');
}

/** Blocks that the target was found not to hold: a line for each disk, for whoever has to explain them later. */
function repairsOf({ number, disks }: SyncRoundView): string[] {
  return disks.flatMap(({ diskId, repaired }) => {
    if (repaired === undefined) return [];
    const { blockCount, ranges, rangesLeftOut = 0 } = repaired;
    const named = ranges.map(({ offsetBytes, lengthBytes }) => `${sizeInWords(lengthBytes)} at byte ${offsetBytes}`);
    const more = rangesLeftOut === 0 ? [] : [`${rangesLeftOut} more ranges`];
    const where = [...named, ...more].join(', ');
    const blocks = blockCount === 1 ? '1 block' : `${blockCount} blocks`;
    return [
      `Round ${number} resent ${blocks} that differed on disk ${clean(diskId)}${where === '' ? '' : `: ${where}`}`,
    ];
  });
}

/** Whether nobody can say that the target is the source of one moment. */
export const isUncertain = ({ disks }: SyncRoundView): boolean =>
  disks.some(({ stillness }) => stillness === 'uncertain');

function restlessnessOf(round: SyncRoundView): string[] {
  if (!isUncertain(round)) return [];
  return [
    `Round ${round.number} read a source that was being written to, or could not tell: check the target's file systems.`,
  ];
}

const ratioOf = ({ ratio }: RoundTotals): string => (ratio === null ? '-' : ratio.toFixed(3));

const rateOf = ({ sentBytes, durationMs }: RoundTotals): string =>
  durationMs === null || durationMs === 0 ? '-' : rateInWords((sentBytes / durationMs) * 1000);

function durationOf(round: SyncRoundView): string {
  const { durationMs } = totalsOf(round);
  return durationMs === null ? '-' : durationInWords(durationMs);
}

function statusOf({ status, failure, attempts }: SyncRoundView, paint: Paint): string {
  const rest = attempts === 1 ? '' : `, attempt ${attempts}`;
  switch (status) {
    case 'completed':
      return paint('good', status) + rest;
    case 'failed':
      return paint('bad', failure === null ? status : `failed: ${failure.code}`) + rest;
    case 'opening-exports':
    case 'connecting':
    case 'transferring':
    case 'link-lost':
    case 'paused':
      return paint('attention', WORKING[status]) + rest;
  }
}

/** A round that has not ended, in words. */
export const WORKING = {
  'opening-exports': 'opening exports',
  connecting: 'connecting',
  transferring: 'transferring',
  'link-lost': 'link lost',
  paused: 'paused',
} as const satisfies Partial<Record<SyncRoundView['status'], string>>;

const MODES = { 'all-blocks': 'all', rescan: 'RESCAN', tracked: 'tracked' } as const satisfies Record<
  NonNullable<SyncRoundView['comparison']>,
  string
>;

/** What is sent: all, all again by choice, or what differs from the target: of all used blocks, or of those written. */
function modeOf({ resend, comparison }: SyncRoundView): string {
  if (resend) return 'resend';
  if (comparison === null) return '-';
  return MODES[comparison];
}
