import { type Replication, attemptIdOf } from '../../../apps/transfer/src/replication/domain/replication.state.js';
import { durationOf } from '../world/trail.js';
import type { MakeChecker } from './checker.js';

/**
 * No window outlives its deadline, by when the link was really there, and none ends before it. The deadline itself
 * counts as over.
 */
export const windowsKeepTheirDeadlines: MakeChecker = ({ world, report }) => {
  const establishedMs = new Map<string, number>();
  return {
    name: 'windows-keep-their-deadlines',
    observed: (seen) => {
      if (seen.kind === 'link-established') establishedMs.set(seen.assignmentId, world.clock.nowMs);
    },
    recorded: ({ event, before }) => {
      const replication = before as Replication | null;
      if (event?.type === 'LinkEstablished') {
        const { window } = replication ?? {};
        const reallyMs = establishedMs.get(attemptIdOf(event.data as { roundId: string; attempt: number }));
        if (reallyMs === undefined) report('A link is recorded as established, and never was');
        else if (window && reallyMs >= Date.parse(window.deadlineAt)) {
          const late = durationOf(reallyMs - Date.parse(window.deadlineAt));
          report(
            `A link is taken for resumed that came back ${late} after its window's deadline began to count as over`,
          );
        }
      }
      if (event?.type === 'ResumeWindowExpired') {
        const { deadlineAt } = event.data as { readonly deadlineAt: string };
        if (world.clock.now < deadlineAt) report(`A window that ends at ${deadlineAt} expired at ${world.clock.now}`);
        if (replication?.window?.deadlineAt !== deadlineAt)
          report('A window expired with a deadline that is not its own');
      }
    },
  };
};
