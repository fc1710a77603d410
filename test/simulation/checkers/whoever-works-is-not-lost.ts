import { MINUTE } from '../world/simulated-clock.js';
import type { MakeChecker } from './checker.js';

/** What the restorer's word of it may take, and what a process needs to have heard it twice. */
const HEARSAY_MS = 3 * MINUTE;

/**
 * An agent that the server cannot hear, but that goes on sending to the target, is not given up: as long as the server
 * can hear the target's restorer, which sees the data come.
 */
export const whoeverWorksIsNotLost: MakeChecker = ({ world, report }) => {
  const lastAcknowledgedMs = new Map<string, number>();
  return {
    name: 'whoever-works-is-not-lost',
    observed: (seen) => {
      if (seen.kind === 'block-acknowledged') lastAcknowledgedMs.set(seen.roundId, world.clock.nowMs);
    },
    recorded: ({ event, id }) => {
      if (event?.type !== 'ResumeWindowExpired') return;
      const { cause, workId } = event.data as { readonly cause: string; readonly workId: string };
      if (cause !== 'agent-away') return;
      const { clock, paths, services, folds } = world;
      const windowMs = (folds.replication(id)?.settings.resumeWindowSeconds ?? 0) * 1000;
      const fromMs = clock.nowMs - windowMs;
      const canHear = paths.restorer.isUp && paths.restorer.upSinceMs <= fromMs;
      const hasHeard = (services.transfer.runningSinceMs ?? Infinity) <= fromMs;
      const workedMs = lastAcknowledgedMs.get(workId) ?? 0;
      if (canHear && hasHeard && workedMs > fromMs + HEARSAY_MS) {
        report('An agent was given up whose data reached the target, as its restorer could tell');
      }
    },
  };
};
