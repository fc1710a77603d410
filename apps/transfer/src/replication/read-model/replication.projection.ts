import { Column, type DataSource, Entity, type EntityManager } from 'typeorm';
import type { ReplicationView, SyncRoundView } from '#libs/contracts';
import type { PersistedEvent } from '#libs/eventsourcing';
import { createDocumentTable, DocumentRow, type Projection, documentProjection } from '#libs/projections';
import type { Replication } from '../domain/replication.state.js';
import { replications } from '../replication.aggregate.js';
import { evolveRounds } from './sync-rounds.js';

@Entity({ name: 'replication' })
export class ReplicationRow extends DocumentRow<Replication> {
  @Column({ name: 'source_machine_id', type: 'text', nullable: true })
  sourceMachineId!: string | null;

  @Column({ name: 'restorer_id', type: 'text', nullable: true })
  restorerId!: string | null;

  @Column({ type: 'jsonb', default: [] })
  rounds!: SyncRoundView[];
}

export const createReplication = createDocumentTable(
  'CreateReplication1700000002000',
  'replication',
  ['source_machine_id text', 'restorer_id text', "rounds jsonb NOT NULL DEFAULT '[]'"],
  ['source_machine_id', 'restorer_id'],
);

const documents = documentProjection({
  name: 'replication-projection',
  table: 'replication',
  aggregate: replications,
  columns: (state) => ({ source_machine_id: state?.sourceMachineId ?? null, restorer_id: state?.restorerId ?? null }),
});

/** The folded state of each replication, and beside it the history of its rounds. */
export const replicationProjection: Projection = {
  ...documents,
  apply: async (persisted: PersistedEvent, manager: EntityManager) => {
    await documents.apply(persisted, manager);
    const event = replications.codec.decode(persisted);
    if (event === null) return;
    const repository = manager.getRepository(ReplicationRow);
    const { rounds } = await repository.findOneByOrFail({ id: event.data.taskId });
    const grown = evolveRounds(rounds, event, persisted);
    if (grown !== rounds) await repository.update({ id: event.data.taskId }, { rounds: [...grown] as never });
  },
};

const activityOf = ({ round, verification }: Replication): ReplicationView['activity'] => {
  if (round !== null) return round.exports === null ? 'opening-exports' : 'transferring';
  return verification?.status === 'running' ? 'verifying' : 'idle';
};

export const findReplication = async (dataSource: DataSource, taskId: string): Promise<ReplicationView | null> => {
  const row = await dataSource.getRepository(ReplicationRow).findOneBy({ id: taskId });
  if (row === null) return null;
  const { state, rounds } = row;
  return {
    taskId,
    sourceMachineId: state.sourceMachineId,
    restorerId: state.restorerId,
    disks: [...state.disks],
    activity: activityOf(state),
    fullSyncCompleted: state.fullSyncCompleted,
    finalSyncCompleted: state.finalSyncCompleted,
    rounds,
    verification: {
      status: state.verification?.status ?? 'none',
      source: [...state.sourceDigests],
      target: [...(state.verification?.target ?? [])],
      failure: state.verification?.failure ?? null,
    },
  };
};

/** Tasks in which an endpoint is one of the two ends, newest first. */
export const tasksOfEndpoint = async (dataSource: DataSource, endpointId: string): Promise<string[]> => {
  const rows = await dataSource.getRepository(ReplicationRow).find({
    select: { id: true },
    where: [{ sourceMachineId: endpointId }, { restorerId: endpointId }],
    order: { changedAt: 'DESC' },
  });
  return rows.map(({ id }) => id);
};
