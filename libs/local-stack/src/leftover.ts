import { type ProcessIdentity, isSameProcess } from './process-identity.js';

/** What to do about a process that a pid file names. */
export type LeftoverDecision =
  /** It is the very process that the file names. */
  | { readonly type: 'still-runs'; readonly pid: number }
  /** It has ended; its id may belong to a stranger by now. */
  | { readonly type: 'gone' };

/**
 * Never leads to the end of a foreign process: the id alone proves nothing.
 *
 * @param recorded what the pid file says; undefined when it is unreadable
 * @param observed the process that has the recorded id now
 */
export function decideLeftover(
  recorded: ProcessIdentity | undefined,
  observed: ProcessIdentity | undefined,
): LeftoverDecision {
  return recorded !== undefined && isSameProcess(recorded, observed)
    ? { type: 'still-runs', pid: recorded.pid }
    : { type: 'gone' };
}
