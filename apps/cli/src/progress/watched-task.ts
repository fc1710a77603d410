import type { SyncRoundView } from '#libs/contracts';
import type { TaskDocument, TaskMessage } from '../gateway/task-document.js';
import type { Paint } from '../terminal/paint.js';
import { sizeInWords } from '../terminal/quantities-in-words.js';
import { withoutControlCharacters } from '../terminal/table.js';
import { totalsOf } from '../sync-rounds/render-rounds.js';
import { type ProgressMeter, observeProgress } from './progress-meter.js';
import { renderProgress } from './render-progress.js';

/** A task as the messages so far tell it. */
export type WatchedTask = {
  readonly document: TaskDocument | undefined;
  /** Only while an endpoint is at work. */
  readonly meter: ProgressMeter | undefined;
};

export function observeMessage(watched: WatchedTask | undefined, message: TaskMessage): WatchedTask {
  if (message.type === 'progress') {
    return { document: watched?.document, meter: observeProgress(watched?.meter, message.progress) };
  }
  const activity = message.document.replication?.activity;
  const isAtWork = activity === 'transferring' || activity === 'verifying';
  return { document: message.document, meter: isAtWork ? watched?.meter : undefined };
}

/** Nothing more happens by itself. */
export const isOver = ({ document }: WatchedTask): boolean =>
  document !== undefined && document.task.status !== 'running';

/** The first line says what goes on; below it, how far it is. */
export function renderWatch({ document, meter }: WatchedTask, columns: number, paint: Paint): readonly string[] {
  const heading = document === undefined ? 'Waiting for the state of the task' : headingOf(document, paint);
  return [heading, ...(meter === undefined ? [] : renderProgress(meter, columns, paint))];
}

function headingOf({ task, replication }: TaskDocument, paint: Paint): string {
  const round = replication?.rounds.at(-1);
  const step = paint('heading', withoutControlCharacters(task.step));
  return round === undefined ? step : `${step}  ${paint('quiet', roundInWords(round))}`;
}

function roundInWords(round: SyncRoundView): string {
  const name = `round ${round.number} (${round.roundKind}, ${round.trigger})`;
  if (round.status === 'failed') return `${name} failed: ${round.failure?.code ?? 'unknown'}`;
  if (round.status !== 'completed') return `${name} running`;
  return `${name} completed, ${sizeInWords(totalsOf(round).sentBytes)} sent`;
}
