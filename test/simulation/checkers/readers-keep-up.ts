import { MINUTE } from '../world/simulated-clock.js';
import type { World } from '../world/world.js';
import type { MakeChecker } from './checker.js';

/** What happened so shortly before may not have been handled yet. */
const ON_ITS_WAY_MS = MINUTE;

/** Readers that have not handled what there is for them, and what they are at. */
export const laggardsOf = ({ services, checkpoints, log, clock }: World): string[] => {
  const laggards: string[] = [];
  for (const { name: reader, prefixes } of Object.values(services).flatMap(({ readers }) => readers)) {
    const handled = checkpoints.get(reader) ?? -1;
    const next = log.all.find(
      ({ streamName, position }) =>
        Number(position) > handled && prefixes.some((prefix) => streamName.startsWith(prefix)),
    );
    if (next === undefined || clock.nowMs - Date.parse(next.metadata.occurredAt) < ON_ITS_WAY_MS) continue;
    laggards.push(`${reader} is stuck at ${next.storedType}`);
  }
  return laggards;
};

/** At the end, when all had the time that handling may take, every reader has handled everything there is for it. */
export const readersKeepUp: MakeChecker = ({ world, report }) => ({
  name: 'readers-keep-up',
  atEnd: () => laggardsOf(world).forEach(report),
});
