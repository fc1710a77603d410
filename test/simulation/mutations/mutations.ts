import { type Replication } from '../../../apps/transfer/src/replication/domain/replication.state.js';
import type { ReplicationCommand } from '../../../apps/transfer/src/replication/domain/replication.commands.js';
import { replications, withDecider } from '../world/aggregates.js';

/**
 * Defects that are put into the world from outside, to see that the checkers find them. The product knows nothing of
 * them: a decider is decorated, a model gets a flag.
 */
export const MUTATIONS = {
  'window-off-by-one': 'A window expires only after its deadline: exactly at it, it counts as open.',
  'acknowledged-range-forgotten': 'The agent begins each attempt of a round without the blocks that are done.',
  'difference-overlooked':
    'The agent finds blocks that the target does not hold, says that it repaired them, and does not.',
  'retry-dropped': 'A retry that is due is not begun.',
  'timer-in-memory': 'The sweeper knows only windows and retries that were opened since its process began.',
} as const;
export type MutationName = keyof typeof MUTATIONS;

export const isMutation = (name: string): name is MutationName => Object.hasOwn(MUTATIONS, name);

type Decide = typeof replications.decider.decide;

/** One millisecond earlier. */
const justBefore = (instant: string): string => new Date(Date.parse(instant) - 1).toISOString();

const windowOffByOne =
  (decide: Decide): Decide =>
  (command, state, context) => {
    const deadlineAt = state?.window?.deadlineAt;
    if (command.type === 'ReachDeadline' && context.now === deadlineAt) return [];
    if (command.type === 'NoteLinkEstablished' && command.at === deadlineAt) {
      return decide({ ...command, at: justBefore(command.at) }, state, { ...context, now: justBefore(context.now) });
    }
    return decide(command, state, context);
  };

const isRetryDue = (command: ReplicationCommand, state: Replication | null): boolean =>
  command.type === 'ReachDeadline' && state !== null && state.window === null && state.retry !== null;

const retryDropped =
  (decide: Decide): Decide =>
  (command, state, context) =>
    isRetryDue(command, state) ? [] : decide(command, state, context);

/** Runs `work` in a world with this defect; those that are flags of models are set where the world is made. */
export const withMutation = async <T>(name: MutationName | null, work: () => Promise<T>): Promise<T> => {
  const decorate = name === 'window-off-by-one' ? windowOffByOne : name === 'retry-dropped' ? retryDropped : null;
  if (decorate === null) return work();
  return withDecider(replications, (own) => ({ ...own, decide: decorate(own.decide) }), work);
};
