import { PUBLISHED } from '#libs/contracts';
import { type EventStore, handleCommand, reactionContext } from '#libs/eventsourcing';
import type { Reaction } from '#libs/projections';
import { cutovers } from '../../cutover/cutover.aggregate.js';

/** Once the target runs from its own disk, it has taken over. */
export const declareTakeOverWhenBooted = (store: EventStore): Reaction => ({
  kind: 'reaction',
  name: 'declare-take-over-when-booted',
  prefixes: ['targetVm-'],
  react: async (persisted) => {
    const { stored, schema } = PUBLISHED.targetVmBootedFromDisk;
    if (persisted.storedType !== stored) return;
    const { taskId, targetVmId } = schema.parse(persisted.data);
    const context = reactionContext(persisted, 'declare-take-over', 'service:cutover', new Date().toISOString());
    await handleCommand(store, cutovers, taskId, { type: 'DeclareTakeOver', targetVmId }, context);
  },
});
