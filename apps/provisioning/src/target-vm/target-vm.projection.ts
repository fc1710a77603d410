import { Column, type DataSource, Entity } from 'typeorm';
import type { TargetVmView } from '#libs/contracts';
import { createDocumentTable, DocumentRow, documentProjection, refoldDocumentTable } from '#libs/projections';
import type { TargetVmState } from './domain/target-vm.state.js';
import { targetVms } from './target-vm.aggregate.js';

@Entity({ name: 'target_vm' })
export class TargetVmRow extends DocumentRow<NonNullable<TargetVmState>> {
  @Column({ name: 'task_id', type: 'text', nullable: true })
  taskId!: string | null;
}

export const createTargetVm = createDocumentTable('CreateTargetVm1700000002000', 'target_vm', ['task_id text']);

const READER = 'target-vm-projection';

/** Target VMs are removed from here on, and remember more of their restore environment. */
export const refoldTargetVm = refoldDocumentTable('RefoldTargetVm1700000002001', 'target_vm', READER);

export const targetVmProjection = documentProjection({
  name: READER,
  table: 'target_vm',
  aggregate: targetVms,
  columns: (state) => ({ task_id: state?.taskId ?? null }),
});

/** @returns null also for one that was removed before anybody asked for it */
export const findTargetVm = async (dataSource: DataSource, targetVmId: string): Promise<TargetVmView | null> => {
  const row = await dataSource.getRepository(TargetVmRow).findOneBy({ id: targetVmId });
  if (row === null || row.state.status === 'never-made') return null;
  const { taskId, siteId, status, reference, specification, failure } = row.state;
  return { targetVmId, taskId, siteId, status, reference, specification, failure };
};
