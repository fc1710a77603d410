import type { DataSource } from 'typeorm';
import { type EventStore, load } from '#libs/eventsourcing';
import type { ServiceBus } from '#libs/messaging';
import { type Reaction, waitForPosition } from '#libs/projections';
import { ASSIGNMENT_CHANGED } from '../../control-channel/control-channel.js';
import { replicationProjection } from '../../replication/read-model/replication.projection.js';
import { replications } from '../../replication/replication.aggregate.js';

/** Every change of a replication makes the replicas that hold its two ends send the wanted assignments again. */
export const assignWhenReplicationChanged = (store: EventStore, dataSource: DataSource, bus: ServiceBus): Reaction => ({
  kind: 'reaction',
  name: 'assign-when-replication-changed',
  prefixes: ['replication-'],
  react: async (persisted) => {
    const event = replications.codec.decode(persisted);
    if (event === null) return;
    // The read model tells which tasks an endpoint has; it must know of this one first.
    await waitForPosition(dataSource, replicationProjection.name, persisted.position);
    const { state } = await load(store, replications, event.data.taskId);
    if (state === null) return;
    for (const endpointId of [state.restorerId, state.sourceMachineId])
      bus.publishNews(ASSIGNMENT_CHANGED, { endpointId });
  },
});
