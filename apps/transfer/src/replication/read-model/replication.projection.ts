import { Column, type DataSource, Entity, type EntityManager } from 'typeorm';
import type { ReplicationView, SyncRoundView } from '#libs/contracts';
import type { PersistedEvent } from '#libs/eventsourcing';
import {
  createDocumentTable,
  DocumentRow,
  type Projection,
  documentProjection,
  refoldDocumentTable,
} from '#libs/projections';
import { type Replication, dueAtOf } from '../domain/replication.state.js';
import { replications } from '../replication.aggregate.js';
import { viewOf } from './replication-view.js';
import { evolveRounds } from './sync-rounds.js';

@Entity({ name: 'replication' })
export class ReplicationRow extends DocumentRow<Replication> {
  @Column({ name: 'source_machine_id', type: 'text', nullable: true })
  sourceMachineId!: string | null;

  @Column({ name: 'restorer_id', type: 'text', nullable: true })
  restorerId!: string | null;

  /** The next moment at which something is to happen by itself: the deadline of a window, or the time of a retry. */
  @Column({ name: 'due_at', type: 'timestamptz', nullable: true })
  dueAt!: Date | null;

  @Column({ type: 'jsonb', default: [] })
  rounds!: SyncRoundView[];
}

const NAME = 'replication-projection';

export const createReplication = createDocumentTable(
  'CreateReplication1700000002000',
  'replication',
  ['source_machine_id text', 'restorer_id text', "rounds jsonb NOT NULL DEFAULT '[]'"],
  ['source_machine_id', 'restorer_id'],
);

/** Replications wait with deadlines from here on, and rounds have attempts. */
export const refoldReplication = refoldDocumentTable(
  'RefoldReplication1700000002001',
  'replication',
  NAME,
  ['due_at timestamptz'],
  ['due_at'],
);

/** Settings name the digest algorithm from here on. */
export const refoldReplicationDigests = refoldDocumentTable(
  'RefoldReplicationDigests1700000002002',
  'replication',
  NAME,
);

const documents = documentProjection({
  name: NAME,
  table: 'replication',
  aggregate: replications,
  columns: (state) => ({
    source_machine_id: state?.sourceMachineId ?? null,
    restorer_id: state?.restorerId ?? null,
    due_at: dueAtOf(state),
  }),
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

export const findReplication = async (dataSource: DataSource, taskId: string): Promise<ReplicationView | null> => {
  const row = await dataSource.getRepository(ReplicationRow).findOneBy({ id: taskId });
  return row === null ? null : viewOf(row.state, row.rounds);
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
