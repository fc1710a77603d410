import type { CutoverView, Failure, MigrationTaskView, ReplicationView } from '#libs/contracts';
import type * as z from 'zod';
import type { preCheck } from '../gateway/gateway-client.js';
import type { TaskDocument } from '../gateway/task-document.js';
import { renderInterruptions } from '../interruptions/render-interruptions.js';
import { renderRounds } from '../sync-rounds/render-rounds.js';
import type { Paint } from '../terminal/paint.js';
import { momentInWords, sizeInWords, spanInWords } from '../terminal/quantities-in-words.js';
import { renderPairs, withoutControlCharacters as clean } from '../terminal/table.js';
import { throttleInWords } from '../throttle/caps-in-words.js';
import { scheduleInWords, statusInWords } from './render-tasks.js';

/**
 * Everything about a task on one page.
 *
 * @param nowMs what is left of windows and grace periods is told from here
 */
export function renderTask(document: TaskDocument, paint: Paint, nowMs: number): string {
  const { task, replication, cutover } = document;
  const interruptions = renderInterruptions(document, paint, nowMs);
  const parts = [
    renderFacts(task, cutover, paint, nowMs),
    ...(interruptions.length === 0 ? [] : [interruptions.join('\n')]),
    renderPhases(task, paint),
    ...renderFailures(document, paint),
    ...(task.concerns.length === 0 ? [] : [renderConcerns(task.concerns, paint)]),
    renderRounds(replication?.rounds ?? [], paint),
    ...(replication === null || replication.verification.status === 'none' ? [] : [renderDigests(replication, paint)]),
  ];
  return parts.join('\n\n');
}

/** A failure that is left from before a cancellation, or that the clean-up had, is not what the task halts for. */
const isHeld = ({ status }: MigrationTaskView): boolean => status === 'halted' || status === 'paused';

/** Why the task halted, and why its last round failed where that is not the same. */
function renderFailures({ task, replication }: TaskDocument, paint: Paint): readonly string[] {
  const last = replication?.rounds.at(-1);
  const ofRound = last?.failure ?? null;
  const isSame = ofRound?.code === task.halt?.code && ofRound?.detail === task.halt?.detail;
  return [
    ...(task.halt === null ? [] : [renderFailure(isHeld(task) ? 'Halted' : 'Failed', task.halt, paint)]),
    ...(last === undefined || ofRound === null || isSame
      ? []
      : [renderFailure(`Round ${last.number} failed`, ofRound, paint)]),
  ];
}

function renderFacts(task: MigrationTaskView, cutover: CutoverView, paint: Paint, nowMs: number): string {
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
      ['Caps', clean(throttleInWords(task.settings.throttle, nowMs))],
      ['Resuming', settingsInWords(task.settings)],
      ['Digests', DIGESTS_IN_WORDS[task.settings.digestAlgorithm]],
      ['Clean-up', cleanUpInWords(task)],
      ['Cutover', cutover.status],
      ['Created', `${momentInWords(task.createdAt)} UTC`],
      ...(task.completedAt === null ? [] : [['Completed', `${momentInWords(task.completedAt)} UTC`] as const]),
    ],
    paint,
  );
}

const DIGESTS_IN_WORDS: Record<MigrationTaskView['settings']['digestAlgorithm'], string> = {
  blake3: 'BLAKE3',
  sha256: 'SHA-256',
};

function settingsInWords({
  resumeWindowSeconds,
  afterFailure,
  retryLimit,
  retryDelaySeconds,
}: MigrationTaskView['settings']): string {
  const retries = retryLimit === 1 ? '1 retry' : `${retryLimit} retries`;
  return [
    `within ${spanInWords(resumeWindowSeconds)}`,
    `after a failure ${afterFailure === 'compare-digests' ? 'what differs' : 'everything'} is sent`,
    retryLimit === 0 ? 'no retries' : `${retries}, the first after ${spanInWords(retryDelaySeconds)}`,
  ].join('; ');
}

function cleanUpInWords({ cleanUpAt, settings }: MigrationTaskView): string {
  if (cleanUpAt !== null) return `at ${momentInWords(cleanUpAt)} UTC`;
  const { cancelGraceSeconds, failureGraceSeconds } = settings;
  const afterFailure =
    failureGraceSeconds === null ? 'never after a failure' : `${spanInWords(failureGraceSeconds)} after a failure`;
  return `${spanInWords(cancelGraceSeconds)} after a cancellation, ${afterFailure}`;
}

export function renderPhases({ phases }: Pick<MigrationTaskView, 'phases'>, paint: Paint): string {
  const marks = { done: paint('good', '✔'), current: paint('accent', '▶'), ahead: paint('quiet', '·') };
  return phases
    .map(({ step, state }) => `${marks[state]} ${state === 'ahead' ? paint('quiet', clean(step)) : clean(step)}`)
    .join('\n');
}

/** @param what the beginning of the line, such as `Halted` */
export function renderFailure(what: string, { code, detail, lost, kept, remedy }: Failure, paint: Paint): string {
  const line = (name: string, text: string | undefined) =>
    text === undefined ? [] : [`  ${paint('quiet', name.padEnd(7))} ${clean(text)}`];
  return [
    paint('bad', `${what}: ${clean(code)}`),
    `  ${clean(detail)}`,
    ...line('Lost:', lost),
    ...line('Kept:', kept),
    ...line('Remedy:', remedy),
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

const VERIFICATION_MEANS = {
  none: 'quiet',
  running: 'attention',
  repairing: 'attention',
  verified: 'good',
  differed: 'bad',
  failed: 'bad',
} as const satisfies Record<ReplicationView['verification']['status'], string>;

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
  const heading = `Verification: ${paint(VERIFICATION_MEANS[status], status)}`;
  const lines = rows.flatMap(({ diskId, source: ofSource, target: ofTarget }) => {
    const isEqual = ofSource !== undefined && ofSource === ofTarget;
    const mark = isEqual ? paint('good', 'equal') : paint('bad', ofTarget === undefined ? 'not computed' : 'DIFFERENT');
    return [`disk ${clean(diskId)}: ${mark}`, `  source  ${ofSource ?? '-'}`, `  target  ${ofTarget ?? '-'}`];
  });
  return [heading, ...lines, ...(failure === null ? [] : [renderFailure('Failed', failure, paint)])].join('\n');
}
