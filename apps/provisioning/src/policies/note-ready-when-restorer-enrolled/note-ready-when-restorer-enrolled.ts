import { PUBLISHED } from '#libs/contracts';
import { type EventStore, handleCommand, reactionContext } from '#libs/eventsourcing';
import type { Reaction } from '#libs/projections';
import { targetVms } from '../../target-vm/target-vm.aggregate.js';

/** A restore environment enrols under the name of its target VM: from then on the VM is ready to receive. */
export const noteReadyWhenRestorerEnrolled = (store: EventStore): Reaction => ({
  kind: 'reaction',
  name: 'note-ready-when-restorer-enrolled',
  prefixes: ['endpoint-'],
  react: async (persisted) => {
    if (persisted.storedType !== PUBLISHED.endpointEnrolled.stored) return;
    const { kind, name: targetVmId, endpointId: restorerId } = PUBLISHED.endpointEnrolled.schema.parse(persisted.data);
    if (kind !== 'restorer') return;
    const context = reactionContext(persisted, 'note-ready', 'service:provisioning', new Date().toISOString());
    await handleCommand(store, targetVms, targetVmId, { type: 'NoteRestorerEnrolled', restorerId }, context);
  },
});
