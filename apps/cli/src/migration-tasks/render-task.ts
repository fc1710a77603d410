import type { CutoverView, Failure, MigrationTaskView, ReplicationView } from '#libs/contracts';
import type { z } from 'zod';
import type { preCheck } from '../gateway/gateway-client.js';
import type { TaskDocument } from '../gateway/task-document.js';
import { renderRounds } from '../sync-rounds/render-rounds.js';
import type { Paint } from '../terminal/paint.js';
import { momentInWords, sizeInWords } from '../terminal/quantities-in-words.js';
import { renderPairs, withoutControlCharacters as clean } from '../terminal/table.js';
import { scheduleInWords, statusInWords } from './render-tasks.js';

/** Everything about a task on one page. */
export function renderTask({ task, replication, cutover }: TaskDocument, paint: Paint): string {
  const parts = [
    renderFacts(task, cutover, paint),
    renderPhases(task, paint),
    ...(task.halt === null ? [] : [renderFailure('Halted', task.halt, paint)]),
    ...(task.concerns.length === 0 ? [] : [renderConcerns(task.concerns, paint)]),
    renderRounds(replication?.rounds ?? [], paint),
    ...(replication === null || replication.verification.status === 'none' ? [] : [renderDigests(replication, paint)]),
  ];
  return parts.join('\n\n');
}

function renderFacts(task: MigrationTaskView, cutover: CutoverView, paint: Paint): string {
  const next = task.nextTimePoint === null ? '' : `, next at ${momentInWords(task.nextTimePoint)} UTC`;
  const { cpuCount, memoryBytes, firmware } = task.target;
  return renderPairs(
    [
      ['Task', `${clean(task.name)}  ${paint('quiet', task.taskId)}`],
      ['Status', statusInWords(task.status, paint)],
      ['Step', clean(task.step)],
      ['Source', task.sourceMachineId],
      ['Site', task.siteId],
      ['Target VM', `${task.targetVmId}  ${cpuCount} CPUs, ${sizeInWords(memoryBytes)}, ${firmware}`],
      ['Schedule', `${scheduleInWords(task.schedule)}${next}`],
      ['Cutover', cutover.status],
      ['Created', `${momentInWords(task.createdAt)} UTC`],
      ...(task.completedAt === null ? [] : [['Completed', `${momentInWords(task.completedAt)} UTC`] as const]),
    ],
    paint,
  );
}

export function renderPhases({ phases }: Pick<MigrationTaskView, 'phases'>, paint: Paint): string {
  const marks = { done: paint('good', '✔'), current: paint('accent', '▶'), ahead: paint('quiet', '·') };
  return phases
    .map(({ step, state }) => `${marks[state]} ${state === 'ahead' ? paint('quiet', clean(step)) : clean(step)}`)
    .join('\n');
}

export function renderFailure(what: 'Halted' | 'Failed', failure: Failure, paint: Paint): string {
  return [
    paint('bad', `${what}: ${failure.code}`),
    `  ${clean(failure.detail)}`,
    `  ${paint('quiet', 'Remedy:')} ${clean(failure.remedy)}`,
  ].join('\n');
}

export function renderConcerns(concerns: MigrationTaskView['concerns'], paint: Paint): string {
  const meanings = { critical: 'bad', warning: 'attention', information: 'quiet' } as const;
  return concerns
    .map(({ severity, code, title, text, remedy, diskId }) =>
      [
        `${paint(meanings[severity], severity)}  ${code}${diskId === undefined ? '' : ` (disk ${clean(diskId)})`}: ${clean(title)}`,
        `  ${clean(text)}`,
        `  ${paint('quiet', 'Remedy:')} ${clean(remedy)}`,
      ].join('\n'),
    )
    .join('\n');
}

export function renderPreCheck({ concerns, decisions }: z.infer<typeof preCheck>, paint: Paint): string {
  const found = concerns.length === 0 ? paint('good', 'Nothing speaks against it.') : renderConcerns(concerns, paint);
  return [found, ...decisions.map(({ code, text }) => `${paint('accent', 'decision')}  ${code}: ${clean(text)}`)].join(
    '\n',
  );
}

/** The root digests of both sides, disk by disk. */
export function renderDigests({ verification }: Pick<ReplicationView, 'verification'>, paint: Paint): string {
  const { source, target, status, failure } = verification;
  const diskIds = [...new Set([...source, ...target].map(({ diskId }) => diskId))];
  const digestIn = (side: ReplicationView['verification']['source'], diskId: string) =>
    side.find((digest) => digest.diskId === diskId)?.rootDigest;
  const rows = diskIds.map((diskId) => ({
    diskId,
    source: digestIn(source, diskId),
    target: digestIn(target, diskId),
  }));
  const heading = `Verification: ${paint(status === 'verified' ? 'good' : status === 'running' ? 'attention' : 'bad', status)}`;
  const lines = rows.flatMap(({ diskId, source: ofSource, target: ofTarget }) => {
    const isEqual = ofSource !== undefined && ofSource === ofTarget;
    const mark = isEqual ? paint('good', 'equal') : paint('bad', ofTarget === undefined ? 'not computed' : 'DIFFERENT');
    return [`disk ${clean(diskId)}: ${mark}`, `  source  ${ofSource ?? '-'}`, `  target  ${ofTarget ?? '-'}`];
  });
  return [heading, ...lines, ...(failure === null ? [] : [renderFailure('Failed', failure, paint)])].join('\n');
}
