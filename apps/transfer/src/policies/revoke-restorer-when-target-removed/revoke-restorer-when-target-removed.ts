import { PUBLISHED } from '#libs/contracts';
import { type EventStore, handleCommand, reactionContext } from '#libs/eventsourcing';
import type { Reaction } from '#libs/projections';
import { endpoints } from '../../endpoint/endpoint.aggregate.js';

/** A restore environment has no business here once its target VM was removed; a copy of its disks would still know its credential. */
export const revokeRestorerWhenTargetRemoved = (store: EventStore): Reaction => ({
  kind: 'reaction',
  name: 'revoke-restorer-when-target-removed',
  prefixes: ['targetVm-'],
  react: async (persisted) => {
    if (persisted.storedType !== PUBLISHED.targetVmRemoved.stored) return;
    const { restorerId } = PUBLISHED.targetVmRemoved.schema.parse(persisted.data);
    if (restorerId === null) return;
    const context = reactionContext(persisted, 'revoke-restorer', 'service:transfer', new Date().toISOString());
    await handleCommand(store, endpoints, restorerId, { type: 'RevokeEndpoint' }, context);
  },
});
