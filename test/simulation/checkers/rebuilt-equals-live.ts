import { isDeepStrictEqual } from 'node:util';
import { fold } from '#libs/eventsourcing';
import { ORIGINALS } from '../world/aggregates.js';
import type { MakeChecker } from './checker.js';

/** What is folded anew from what is stored equals what was folded while it grew, and what the read models hold. */
export const rebuiltEqualsLive: MakeChecker = ({ world, report }) => {
  const rebuild = (streamName: string, upTo = BigInt(world.log.all.length)): unknown => {
    const category = streamName.slice(0, streamName.indexOf('-'));
    const { codec, decider } = ORIGINALS.get(category)!;
    const persisted = world.log.streamOf(streamName).filter(({ position }) => position <= upTo);
    const stored = persisted.map(({ storedType, data }) => {
      const event = codec.decode({ storedType, data: JSON.parse(JSON.stringify(data)) as unknown });
      if (event === null) report(`${streamName} holds ${storedType}, which its codec does not know`);
      return event;
    });
    return fold(
      decider,
      stored.filter((event) => event !== null),
    );
  };
  return {
    name: 'rebuilt-equals-live',
    atEnd: () => {
      for (const [streamName, live] of world.folds.states) {
        if (!isDeepStrictEqual(rebuild(streamName), live))
          report(`${streamName}, rebuilt, is another than it was live`);
      }
      for (const [category, readModel] of [
        ['replication', world.replicationStates],
        ['migrationTask', world.taskStates],
        ['targetVm', world.vmStates],
        ['endpoint', world.endpointStates],
      ] as const) {
        for (const [id, row] of readModel.rows) {
          // A row may be behind its stream, by what has just been recorded.
          if (isDeepStrictEqual(rebuild(`${category}-${id}`, readModel.positionOf(id)), row)) continue;
          report(`The row of ${category} ${id} is not its fold`);
        }
      }
    },
  };
};
