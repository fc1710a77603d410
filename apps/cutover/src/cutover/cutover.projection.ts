import { type DataSource, Entity } from 'typeorm';
import type { CutoverView } from '#libs/contracts';
import { createDocumentTable, DocumentRow, documentProjection } from '#libs/projections';
import { cutovers } from './cutover.aggregate.js';
import type { Cutover } from './domain/cutover.decider.js';

@Entity({ name: 'cutover' })
export class CutoverRow extends DocumentRow<Cutover> {}

export const createCutover = createDocumentTable('CreateCutover1700000001000', 'cutover');

export const cutoverProjection = documentProjection({
  name: 'cutover-projection',
  table: 'cutover',
  aggregate: cutovers,
  columns: () => ({}),
});

/** A task without a cutover has not come so far yet; one that was cancelled is no nearer to it. */
export const findCutover = async (dataSource: DataSource, taskId: string): Promise<CutoverView> => {
  const row = await dataSource.getRepository(CutoverRow).findOneBy({ id: taskId });
  const state = row?.state ?? null;
  return {
    taskId,
    status: state === null || state.status === 'withdrawn' ? 'not-possible-yet' : state.status,
    requestedAt: state?.requestedAt ?? null,
    sourceServicesStoppedAt: state?.sourceServicesStoppedAt ?? null,
    takenOverAt: state?.takenOverAt ?? null,
    failure: state?.failure ?? null,
  };
};
