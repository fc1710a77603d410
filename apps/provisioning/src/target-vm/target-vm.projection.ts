import { Column, type DataSource, Entity } from 'typeorm';
import type { TargetVmView } from '#libs/contracts';
import { createDocumentTable, DocumentRow, documentProjection } from '#libs/projections';
import type { TargetVmState } from './domain/target-vm.decider.js';
import { targetVms } from './target-vm.aggregate.js';

@Entity({ name: 'target_vm' })
export class TargetVmRow extends DocumentRow<NonNullable<TargetVmState>> {
  @Column({ name: 'task_id', type: 'text', nullable: true })
  taskId!: string | null;
}

export const createTargetVm = createDocumentTable('CreateTargetVm1700000002000', 'target_vm', ['task_id text']);

export const targetVmProjection = documentProjection({
  name: 'target-vm-projection',
  table: 'target_vm',
  aggregate: targetVms,
  columns: (state) => ({ task_id: state?.taskId ?? null }),
});

export const findTargetVm = async (dataSource: DataSource, targetVmId: string): Promise<TargetVmView | null> => {
  const row = await dataSource.getRepository(TargetVmRow).findOneBy({ id: targetVmId });
  if (row === null) return null;
  const { taskId, siteId, status, reference, specification, failure } = row.state;
  return { targetVmId, taskId, siteId, status, reference, specification, failure };
};
