import type { SyncRoundView } from '#libs/contracts';
import { renderInterruptions } from '../interruptions/render-interruptions.js';
import type { TaskDocument, TaskMessage } from '../gateway/task-document.js';
import type { Paint } from '../terminal/paint.js';
import { sizeInWords } from '../terminal/quantities-in-words.js';
import { withoutControlCharacters } from '../terminal/table.js';
import { WORKING, isUncertain, totalsOf } from '../sync-rounds/render-rounds.js';
import { type ProgressMeter, observeProgress } from './progress-meter.js';
import { renderProgress } from './render-progress.js';

/** A task as the messages so far tell it. */
export type WatchedTask = {
  readonly document: TaskDocument | undefined;
  /** Only while an endpoint is at work. */
  readonly meter: ProgressMeter | undefined;
};

export function observeMessage(watched: WatchedTask | undefined, message: TaskMessage): WatchedTask {
  const { document, meter } = watched ?? { document: undefined, meter: undefined };
  if (message.type === 'progress') {
    const isHeard = message.progress.activity !== 'serving' || isAgentAway(document);
    return { document, meter: isHeard ? observeProgress(meter, message.progress) : meter };
  }
  const isSameWork = document === undefined || workIn(document) === workIn(message.document);
  return { document: message.document, meter: isSameWork && workIn(message.document) !== null ? meter : undefined };
}

/** Both ends tell of a round. The agent knows more; only while it cannot be reached the target is listened to. */
const isAgentAway = (document: TaskDocument | undefined): boolean =>
  document?.replication?.resumeWindow?.cause === 'agent-away';

/** What is worked on, through all interruptions; null when nothing is. */
function workIn({ replication }: TaskDocument): string | null {
  switch (replication?.activity) {
    case undefined:
    case 'idle':
    case 'waiting-for-retry':
    case 'stopped':
      return null;
    case 'verifying':
      return 'verification';
    case 'opening-exports':
    case 'connecting':
    case 'transferring':
    case 'link-lost':
    case 'paused':
      return replication.rounds.at(-1)?.roundId ?? null;
  }
}

/** Nothing more happens by itself, or only the clean-up of a task that halted. */
export const isOver = ({ document }: WatchedTask): boolean =>
  document !== undefined && ['halted', 'cancelled', 'completed'].includes(document.task.status);

/**
 * The first line says what goes on; below it, what keeps it from going on, and how far it is.
 *
 * @param nowMs what is left of windows and grace periods is told from here
 */
export function renderWatch(
  { document, meter }: WatchedTask,
  columns: number,
  paint: Paint,
  nowMs: number,
): readonly string[] {
  if (document === undefined) return ['Waiting for the state of the task', ...progressLines(meter, columns, paint)];
  return [
    headingOf(document, paint),
    ...renderInterruptions(document, paint, nowMs),
    ...progressLines(meter, columns, paint, heldBecause(document)),
  ];
}

const progressLines = (meter: ProgressMeter | undefined, columns: number, paint: Paint, held?: string) =>
  meter === undefined ? [] : renderProgress(meter, columns, paint, held);

/** @returns undefined while work moves */
function heldBecause({ replication }: TaskDocument): string | undefined {
  const activity = replication?.activity;
  switch (activity) {
    case 'opening-exports':
    case 'connecting':
    case 'link-lost':
    case 'paused':
      return WORKING[activity];
    default:
      return undefined;
  }
}

function headingOf({ task, replication }: TaskDocument, paint: Paint): string {
  const round = replication?.rounds.at(-1);
  const step = paint('heading', withoutControlCharacters(task.step));
  return round === undefined ? step : `${step}  ${paint('quiet', roundInWords(round))}`;
}

function roundInWords(round: SyncRoundView): string {
  const { number, roundKind, trigger, resend, attempts, status, comparison } = round;
  const name = `round ${number} (${roundKind}, ${trigger}${resend ? ', everything again' : ''})`;
  if (status === 'failed') return `${name} failed: ${round.failure?.code ?? 'unknown'}`;
  if (status === 'completed') {
    const rest = isUncertain(round) ? ', from a source that was being written to' : '';
    return `${name} completed, ${sizeInWords(totalsOf(round).sentBytes)} sent${rest}`;
  }
  const isComparing = status === 'transferring' && comparison === 'rescan';
  const why = round.rescanReason === undefined ? '' : `: ${round.rescanReason}`;
  const work = isComparing ? `comparing digests (RESCAN${why})` : WORKING[status];
  return `${name}${attempts === 1 ? '' : `, attempt ${attempts}`}: ${work}`;
}
