import type { MakeChecker } from './checker.js';

/** No migration completes without a final round that was read after the last write. */
export const finalRoundLast: MakeChecker = ({ world, report }) => {
  const newestOf = new Map<string, { readonly roundId: string; readonly roundKind: string }>();
  const readFrom = new Map<string, number>();
  return {
    name: 'final-round-last',
    observed: (seen) => {
      if (seen.kind === 'final-read-begun') readFrom.set(seen.roundId, world.clock.nowMs);
    },
    recorded: ({ event }) => {
      if (event?.type === 'SyncRoundCompleted') {
        const completed = event.data as { taskId: string; roundId: string; roundKind: string };
        newestOf.set(completed.taskId, completed);
      }
      if (event?.type !== 'TakeOverStarted' && event?.type !== 'MigrationTaskCompleted') return;
      const newest = newestOf.get((event.data as { readonly taskId: string }).taskId);
      if (newest?.roundKind !== 'final') report(`${event.type}, and the newest completed round is not a final one`);
      else if ((readFrom.get(newest.roundId) ?? 0) < world.source.lastWriteMs) {
        report(`${event.type}, and the source was written after the final round had begun to read`);
      }
    },
  };
};
