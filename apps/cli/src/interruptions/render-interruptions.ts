import type { MigrationTaskView, ReplicationView, ResumeWindowView } from '#libs/contracts';
import type { TaskDocument } from '../gateway/task-document.js';
import type { Paint } from '../terminal/paint.js';
import { leftInWords, nearMomentInWords } from '../terminal/quantities-in-words.js';

/** Every round waits a moment for its beginning; only longer ones are worth a word. */
const WORTH_A_WORD_MS = 5_000;

/**
 * What keeps a task from going on, until when, and what to do about it: a line each, none while all is well.
 *
 * @param nowMs what is left is told from here
 */
export function renderInterruptions(
  { task, replication }: TaskDocument,
  paint: Paint,
  nowMs: number,
): readonly string[] {
  const ofTask = taskInWords(task, paint, nowMs);
  const ofReplication = replication === null ? null : replicationInWords(replication, paint, nowMs);
  return [ofTask, ofReplication].filter((line) => line !== null).map((line) => `${paint('attention', '!')} ${line}`);
}

function taskInWords({ status, taskId, cleanUpAt }: MigrationTaskView, paint: Paint, nowMs: number): string | null {
  const removal =
    cleanUpAt === null ? null : `everything created for it is removed at ${until(cleanUpAt, nowMs, paint)}`;
  switch (status) {
    case 'paused':
      return `${paint('attention', 'paused')}; let it go on with: landfall resume ${taskId}`;
    case 'cancelling':
      return removal === null
        ? paint('attention', 'cancelled')
        : `${paint('attention', 'cancelled')}, ${removal}; keep it with: landfall keep ${taskId}`;
    case 'cleaning-up':
      return `${paint('attention', 'cleaning up')}, everything created for it is being removed; see: landfall ledger ${taskId}`;
    case 'halted':
      return removal === null
        ? null
        : `${paint('bad', 'halted')}, ${removal} unless somebody attends to it: landfall retry ${taskId}`;
    case 'running':
    case 'cancelled':
    case 'completed':
      return null;
  }
}

function replicationInWords(replication: ReplicationView, paint: Paint, nowMs: number): string | null {
  const { activity, resumeWindow, retryAt } = replication;
  if (activity === 'paused' || activity === 'stopped') return null;
  if (resumeWindow !== null) return windowInWords(resumeWindow, activity, paint, nowMs);
  if (retryAt === null) return null;
  const { number, failure } = replication.rounds.at(-1) ?? { number: '', failure: null };
  const failed = paint('attention', `round ${number} failed${failure === null ? '' : ` (${failure.code})`}`);
  const left = leftInWords(retryAt, nowMs);
  const countdown = paint('heading', left === null ? '(due)' : `(in ${left})`);
  return `${failed}, tried again by itself at ${nearMomentInWords(retryAt, nowMs)} ${countdown}`;
}

function windowInWords(
  { cause, openedAt, deadlineAt }: ResumeWindowView,
  activity: ReplicationView['activity'],
  paint: Paint,
  nowMs: number,
): string | null {
  const since = nearMomentInWords(openedAt, nowMs);
  const deadline = until(deadlineAt, nowMs, paint);
  switch (cause) {
    case 'begin':
      if (nowMs - Date.parse(openedAt) < WORTH_A_WORD_MS) return null;
      return `waiting since ${since} ${whatFor(activity)}, fails at ${deadline}`;
    case 'link-lost':
      return `${paint('attention', `link lost at ${since}`)}, resumes by itself until ${deadline}`;
    case 'agent-away':
      return `${paint('attention', `agent not reached since ${since}`)}, its data may still come; fails at ${deadline} unless either is seen`;
    case 'restorer-away':
      return `${paint('attention', `restore environment not reached since ${since}`)}, goes on by itself until ${deadline}`;
  }
}

function whatFor(activity: ReplicationView['activity']): string {
  switch (activity) {
    case 'opening-exports':
      return 'for the target to serve its disks';
    case 'connecting':
      return 'for the agent to reach the target';
    case 'verifying':
      return 'for the target to read its disks';
    default:
      return 'for both ends';
  }
}

function until(instant: string, nowMs: number, paint: Paint): string {
  const left = leftInWords(instant, nowMs);
  return `${nearMomentInWords(instant, nowMs)} ${paint('heading', left === null ? '(time is up)' : `(${left} left)`)}`;
}
