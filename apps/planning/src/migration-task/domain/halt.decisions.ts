import type { CommandContext } from '#libs/eventsourcing';
import type { CommandOf } from './migration-task.commands.js';
import type { MigrationTaskEvent } from './migration-task.events.js';
import type { MigrationTask } from './migration-task.state.js';
import { currentPhase } from './phase.decisions.js';

export const later = (instant: string, seconds: number): string =>
  new Date(Date.parse(instant) + seconds * 1000).toISOString();

/**
 * When a halted task that nobody attends to is cleaned up. Never once the target has begun to take over: it may be in
 * production.
 */
export const dateAfterFailure = (
  { phase, settings, cleanUpGeneration }: MigrationTask,
  now: string,
): { readonly cleanUpAt: string; readonly generation: number } | null =>
  settings.failureGraceSeconds === null || phase === 'take-over'
    ? null
    : { cleanUpAt: later(now, settings.failureGraceSeconds), generation: cleanUpGeneration + 1 };

/** A task halts once; what is over, or resting for good, fails no more. */
export const noteFailure = (
  { phases, failure }: CommandOf<'NoteFailure'>,
  task: MigrationTask,
  { now }: CommandContext,
): MigrationTaskEvent[] => {
  const { taskId, phase, stage, halt, isPhaseOver, isPaused } = task;
  if (stage !== 'active' || halt !== null || isPhaseOver || phase === null || !phases.includes(phase)) return [];
  // Somebody has the paused task in hand: nothing of it is removed by itself.
  const date = isPaused ? null : dateAfterFailure(task, now);
  return [{ type: 'MigrationTaskHalted', data: { taskId, phase, failure, ...date } }];
};

/** A round that may bring what the halted phase waits for makes good its failure; another one shows that somebody cares. */
export const noteRoundStarted = (
  { roundId, roundKind, trigger }: CommandOf<'NoteRoundStarted'>,
  task: MigrationTask,
): MigrationTaskEvent[] => {
  const { taskId, phase, stage, halt, cleanUp } = task;
  if (stage !== 'active' || halt === null || phase === null) return [];
  if (currentPhase(task)?.waitsFor === `${roundKind}-sync-completed`) {
    return [{ type: 'MigrationTaskHaltCleared', data: { taskId, phase, roundId } }];
  }
  if (cleanUp === null || trigger !== 'manual') return [];
  return [{ type: 'CleanUpCalledOff', data: { taskId, generation: cleanUp.generation, roundId } }];
};
