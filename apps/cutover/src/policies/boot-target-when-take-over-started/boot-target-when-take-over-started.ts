import { provisioningCalls } from '#libs/contracts';
import { reactionContext } from '#libs/eventsourcing';
import type { ServiceBus } from '#libs/messaging';
import type { Reaction } from '#libs/projections';
import { cutovers } from '../../cutover/cutover.aggregate.js';

/** The verified target leaves its restore environment and boots from its own disk. */
export const bootTargetWhenTakeOverStarted = (bus: Pick<ServiceBus, 'call'>): Reaction => ({
  kind: 'reaction',
  name: 'boot-target-when-take-over-started',
  prefixes: ['cutover-'],
  react: async (persisted) => {
    const event = cutovers.codec.decode(persisted);
    if (event?.type !== 'TakeOverStarted') return;
    const context = reactionContext(persisted, 'boot-target', 'service:cutover', new Date().toISOString());
    await bus.call(provisioningCalls.bootTargetFromDisk, { targetVmId: event.data.targetVmId }, context);
  },
});
