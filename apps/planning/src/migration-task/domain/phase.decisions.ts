import type { Phase, PhaseName } from '#libs/contracts';
import type { CommandOf } from './migration-task.commands.js';
import type { MigrationTaskEvent } from './migration-task.events.js';
import type { MigrationTask } from './migration-task.state.js';

export const startPhase = (
  { taskId }: Pick<MigrationTask, 'taskId'>,
  phase: PhaseName,
  restorerId: string | null,
): MigrationTaskEvent => ({ type: 'PhaseStarted', data: { taskId, phase, restorerId } });

export const currentPhase = (task: MigrationTask): Phase | undefined =>
  task.itinerary.find(({ name }) => name === task.phase);

/** The phase in which a person declares the source stopped; what comes after it rests on that word. */
const approvalOf = ({ itinerary }: MigrationTask): Phase | undefined =>
  itinerary.find(({ waitsFor }) => waitsFor === 'final-sync-approved');

/** The phase in hand waits for the person's word, or rests on it. */
const isAtCutover = (task: MigrationTask): boolean => {
  const approval = approvalOf(task);
  const indexOf = (name: PhaseName | null): number => task.itinerary.findIndex((phase) => phase.name === name);
  return approval !== undefined && indexOf(task.phase) >= indexOf(approval.name);
};

/**
 * A task at rest is told what happens and begins nothing. What a cutover comes to while its task is cancelled is not
 * taken: the source may go back to service meanwhile.
 */
const takesFacts = (task: MigrationTask): boolean =>
  task.stage === 'active' || (task.stage === 'cancelling' && !isAtCutover(task));

/**
 * The phases, from the one in hand on, that a fact completes. A phase that was begun again for the sake of a later one
 * (`retryFrom`) is complete with it when the later one's fact comes after all.
 */
const phasesCompletedBy = (fact: string, { itinerary, phase }: MigrationTask): readonly Phase[] => {
  const index = itinerary.findIndex(({ name }) => name === phase);
  if (index === -1) return [];
  const length = itinerary
    .slice(index)
    .findIndex(({ waitsFor, retryFrom }, at) => waitsFor === fact && (at === 0 || retryFrom === phase));
  return itinerary.slice(index, index + length + 1);
};

const followerOf = ({ itinerary }: MigrationTask, phase: PhaseName): Phase | undefined =>
  itinerary[itinerary.findIndex(({ name }) => name === phase) + 1];

/** The wait of the phase in hand is over; the next begins, or the task is complete. Other facts change nothing. */
export const noteFact = (
  { fact, restorerId }: CommandOf<'NoteFact'>,
  task: MigrationTask,
  now: string,
): MigrationTaskEvent[] => {
  if (!takesFacts(task) || task.isPhaseOver) return [];
  const { taskId } = task;
  const known = restorerId ?? task.restorerId;
  const completed = phasesCompletedBy(fact, task).flatMap(({ name }, at): MigrationTaskEvent[] => [
    ...(at === 0 ? [] : [startPhase(task, name, known)]),
    { type: 'PhaseCompleted', data: { taskId, phase: name, fact, restorerId: known } },
  ]);
  const last = completed.at(-1);
  if (last?.type !== 'PhaseCompleted') return [];
  const next = followerOf(task, last.data.phase);
  if (next === undefined) return [...completed, { type: 'MigrationTaskCompleted', data: { taskId, completedAt: now } }];
  const isAtRest = task.isPaused || task.stage === 'cancelling';
  return isAtRest ? completed : [...completed, startPhase(task, next.name, known)];
};

const nextAfter = (task: MigrationTask): PhaseName | null =>
  task.phase !== null && task.isPhaseOver ? (followerOf(task, task.phase)?.name ?? null) : null;

const startDue = (task: MigrationTask, phase: PhaseName | null | undefined): MigrationTaskEvent[] =>
  phase === null || phase === undefined ? [] : [startPhase(task, phase, task.restorerId)];

/** After a pause, a phase that is not over goes on where it was held. */
export const startAfterPause = (task: MigrationTask): MigrationTaskEvent[] => startDue(task, nextAfter(task));

/**
 * After a cancellation, which ended the work in hand. Nobody's word that the source is stopped outlives it: a cutover
 * is asked for and confirmed anew.
 */
export const startAfterCancellation = (task: MigrationTask): MigrationTaskEvent[] =>
  startDue(task, isAtCutover(task) ? approvalOf(task)?.name : (nextAfter(task) ?? currentPhase(task)?.retryFrom));
