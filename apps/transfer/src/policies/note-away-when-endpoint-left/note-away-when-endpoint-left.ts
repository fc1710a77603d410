import type { DataSource } from 'typeorm';
import { type EventStore, type PersistedEvent, load, reactionContext } from '#libs/eventsourcing';
import type { Reaction } from '#libs/projections';
import { tellTasks } from '../../control-channel/presence/tell-tasks.js';
import { endpoints } from '../../endpoint/endpoint.aggregate.js';

/** An endpoint that has left, and not come back since, is away for its tasks: what waits for it has a deadline from then on. */
export const noteAwayWhenEndpointLeft = (store: EventStore, dataSource: DataSource): Reaction => ({
  kind: 'reaction',
  name: 'note-away-when-endpoint-left',
  prefixes: ['endpoint-'],
  react: async (persisted) => {
    const event = endpoints.codec.decode(persisted);
    if (event?.type !== 'EndpointDisconnected') return;
    const { endpointId } = event.data;
    const { state, persisted: history } = await load(store, endpoints, endpointId);
    if (state === null || history.findLast(isOfConnection)?.id !== persisted.id) return;
    const note = { type: 'NoteEndAway', end: state.kind, at: persisted.metadata.occurredAt } as const;
    const context = reactionContext(persisted, 'note-away', 'service:transfer', new Date().toISOString());
    await tellTasks(store, dataSource, endpointId, note, context);
  },
});

const isOfConnection = (persisted: PersistedEvent): boolean => {
  const type = endpoints.codec.decode(persisted)?.type;
  return type === 'EndpointConnected' || type === 'EndpointDisconnected';
};
