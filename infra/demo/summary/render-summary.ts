import type { SyncRoundView } from '#libs/contracts';
import type { TaskDocument } from '../../../apps/cli/src/gateway/task-document.js';
import { renderDigests } from '../../../apps/cli/src/migration-tasks/render-task.js';
import { totalsOf } from '../../../apps/cli/src/sync-rounds/render-rounds.js';
import type { Paint } from '../../../apps/cli/src/terminal/paint.js';
import { durationInWords, rateInWords, sizeInWords } from '../../../apps/cli/src/terminal/quantities-in-words.js';
import { renderPairs, renderTable } from '../../../apps/cli/src/terminal/table.js';
import { type TargetCheck, isCheckPassed } from '../steps/check-target.js';

export type Summary = {
  readonly document: TaskDocument;
  readonly check: TargetCheck;
  readonly eventCount: number;
  readonly durationMs: number;
  /** Where to look next: names and what to type or open. */
  readonly next: readonly (readonly [name: string, value: string])[];
};

/** Whether the migration's own verification held and the independent check found both sides equal. */
export const isProven = ({ document, check }: Pick<Summary, 'document' | 'check'>): boolean =>
  document.task.status === 'completed' &&
  document.replication?.verification.status === 'verified' &&
  isCheckPassed(check);

export function renderSummary(summary: Summary, paint: Paint): string {
  const { document, check, eventCount, durationMs, next } = summary;
  const { replication } = document;
  const verdict = isProven(summary)
    ? paint('good', 'The target is identical to the source.')
    : paint('bad', 'The target is NOT proven to be identical to the source.');
  return [
    renderRoundTable(replication?.rounds ?? [], paint),
    ...(replication === null ? [] : [renderDigests(replication, paint)]),
    renderCheck(check, paint),
    renderPairs([['Events of the task', String(eventCount)], ...next], paint),
    `${verdict} ${durationInWords(durationMs)} in all.`,
  ].join('\n\n');
}

function renderRoundTable(rounds: readonly SyncRoundView[], paint: Paint): string {
  const bytes = (title: string, name: 'diskBytes' | 'usedBytes' | 'sentBytes') => ({
    title,
    align: 'right' as const,
    cell: (round: SyncRoundView) => sizeInWords(totalsOf(round)[name]),
  });
  return renderTable<SyncRoundView>(
    [
      { title: 'ROUND', align: 'right', cell: ({ number }) => String(number) },
      { title: 'KIND', cell: ({ roundKind }) => roundKind },
      { title: 'TRIGGER', cell: ({ trigger }) => trigger },
      bytes('DISK', 'diskBytes'),
      bytes('USED', 'usedBytes'),
      bytes('SENT', 'sentBytes'),
      { title: 'SENT/USED', align: 'right', cell: (round) => totalsOf(round).ratio?.toFixed(3) ?? '-' },
      { title: 'DURATION', align: 'right', cell: (round) => durationInWords(totalsOf(round).durationMs ?? 0) },
      { title: 'RATE', align: 'right', cell: (round) => rateOf(round) },
    ],
    rounds,
    paint,
  );
}

/** Of the bytes that were sent, over the round's whole time. */
function rateOf(round: SyncRoundView): string {
  const { sentBytes, durationMs } = totalsOf(round);
  return durationMs === null || durationMs === 0 ? '-' : rateInWords((sentBytes / durationMs) * 1000);
}

function renderCheck({ fileSystem, trees, blocks }: TargetCheck, paint: Paint): string {
  const mark = (holds: boolean, text: string) => paint(holds ? 'good' : 'bad', text);
  const lines = [
    `e2fsck -f -n on the target: ${mark(fileSystem.isClean, fileSystem.isClean ? 'clean' : `exit code ${fileSystem.exitCode}`)}`,
    `Trees, mounted read-only: ${mark(trees.isEqual, trees.isEqual ? 'equal' : 'DIFFERENT')} ` +
      `(${trees.files} files, ${sizeInWords(trees.bytes)}, by SHA-256)`,
    `Used blocks: ${mark(blocks.isEqual, blocks.isEqual ? 'identical' : 'DIFFERENT')} (${sizeInWords(blocks.comparedBytes)})`,
    ...trees.differences.map((difference) => `  ${difference}`),
    ...blocks.differing.map(({ offsetBytes, lengthBytes }) => `  differs at ${offsetBytes}, ${lengthBytes} bytes`),
    ...(fileSystem.isClean ? [] : fileSystem.output.split('\n').map((line) => `  ${line}`)),
  ];
  return [paint('heading', 'Independent check'), ...lines].join('\n');
}
