import { MINUTE } from '../world/simulated-clock.js';
import type { MakeChecker } from './checker.js';

/** What happened so shortly before the end may not have been handled yet. */
const ON_ITS_WAY_MS = MINUTE;

/** At the end, every reader has handled everything there is for it: none is stuck at an event. */
export const readersKeepUp: MakeChecker = ({ world, report }) => ({
  name: 'readers-keep-up',
  atEnd: () => {
    for (const { name: reader, prefixes } of Object.values(world.services).flatMap(({ readers }) => readers)) {
      const handled = world.checkpoints.get(reader) ?? -1;
      const next = world.log.all.find(
        ({ streamName, position }) =>
          Number(position) > handled && prefixes.some((prefix) => streamName.startsWith(prefix)),
      );
      if (next === undefined || world.clock.nowMs - Date.parse(next.metadata.occurredAt) < ON_ITS_WAY_MS) continue;
      report(`${reader} is stuck at ${next.storedType}`);
    }
  },
});
