import { type DataSource, Entity, Column } from 'typeorm';
import type { SourceMachineView } from '#libs/contracts';
import { createDocumentTable, DocumentRow, documentProjection } from '#libs/projections';
import type { EndpointState } from '../domain/endpoint.decider.js';
import { endpoints } from '../endpoint.aggregate.js';

type Endpoint = NonNullable<EndpointState>;

/** Every endpoint as it was last heard of. */
@Entity({ name: 'endpoint' })
export class EndpointRow extends DocumentRow<Endpoint> {
  @Column({ type: 'text', nullable: true })
  kind!: string | null;
}

export const createEndpoint = createDocumentTable('CreateEndpoint1700000001000', 'endpoint', ['kind text'], ['kind']);

export const endpointProjection = documentProjection({
  name: 'endpoint-projection',
  table: 'endpoint',
  aggregate: endpoints,
  columns: (state) => ({ kind: state?.kind ?? null }),
});

const toView = (row: EndpointRow): SourceMachineView => ({
  sourceMachineId: row.state.endpointId,
  name: row.state.name,
  connected: row.state.connectionId !== null,
  enrolledAt: row.state.enrolledAt,
  lastChangeAt: row.changedAt.toISOString(),
  software: row.state.software,
  inventory: row.state.inventory,
});

/** Machines with an enrolled agent, by name. */
export const listSourceMachines = async (dataSource: DataSource): Promise<SourceMachineView[]> => {
  const rows = await dataSource.getRepository(EndpointRow).find({ where: { kind: 'agent' } });
  return rows.map(toView).sort((left, right) => left.name.localeCompare(right.name));
};

export const findSourceMachine = async (dataSource: DataSource, id: string): Promise<SourceMachineView | null> => {
  const row = await dataSource.getRepository(EndpointRow).findOneBy({ id, kind: 'agent' });
  return row === null ? null : toView(row);
};
