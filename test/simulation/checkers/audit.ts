import { eventIdOf } from '#libs/eventsourcing';
import type { MakeChecker } from './checker.js';

/**
 * The log holds every event once and in order: revisions without gaps, ids that are never used again, and of each
 * command one batch of events whose ids follow from it.
 */
export const audit: MakeChecker = ({ world, report }) => ({
  name: 'audit',
  atEnd: () => {
    const ids = new Set<string>();
    for (const [position, { id, position: own }] of world.log.all.entries()) {
      if (own !== BigInt(position)) report(`The event at position ${position} says ${own}`);
      if (ids.has(id)) report(`Event ${id} is there twice`);
      ids.add(id);
    }
    for (const streamName of world.log.streamNames) {
      const done = new Set<string>();
      let commandId = '';
      let index = 0;
      for (const [revision, event] of world.log.streamOf(streamName).entries()) {
        if (event.revision !== BigInt(revision)) report(`${streamName} has a gap at revision ${revision}`);
        index = event.metadata.commandId === commandId ? index + 1 : 0;
        commandId = event.metadata.commandId;
        if (event.id !== eventIdOf(commandId, index)) report(`An event of ${streamName} has an id that is not its own`);
        if (index === 0 && done.has(commandId)) report(`Command ${commandId} was decided twice in ${streamName}`);
        done.add(commandId);
      }
    }
  },
});
