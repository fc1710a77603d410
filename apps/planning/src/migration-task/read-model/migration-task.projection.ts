import { Column, type DataSource, Entity, MoreThan, Not } from 'typeorm';
import type { MigrationTaskView } from '#libs/contracts';
import { createDocumentTable, DocumentRow, documentProjection } from '#libs/projections';
import { stepOf } from '../domain/itinerary.js';
import type { MigrationTask } from '../domain/migration-task.state.js';
import { migrationTasks } from '../migration-task.aggregate.js';

/** `next_time_point` is the timer table of synchronization time points: an index on what the events say. */
@Entity({ name: 'migration_task' })
export class MigrationTaskRow extends DocumentRow<MigrationTask> {
  @Column({ type: 'text' })
  status!: string;

  @Column({ name: 'source_machine_id', type: 'text' })
  sourceMachineId!: string;

  @Column({ name: 'next_time_point', type: 'timestamptz', nullable: true })
  nextTimePoint!: Date | null;
}

export const createMigrationTask = createDocumentTable(
  'CreateMigrationTask1700000001000',
  'migration_task',
  ['status text NOT NULL', 'source_machine_id text NOT NULL', 'next_time_point timestamptz'],
  ['source_machine_id', 'next_time_point'],
);

export const migrationTaskProjection = documentProjection({
  name: 'migration-task-projection',
  table: 'migration_task',
  aggregate: migrationTasks,
  columns: (task) => ({
    status: task?.status ?? 'running',
    source_machine_id: task?.sourceMachineId ?? '',
    next_time_point: task?.nextTimePoint ?? null,
  }),
});

/** The task as people see it, from its folded state. */
export const viewOf = (task: MigrationTask): MigrationTaskView => {
  const current = task.itinerary.findIndex(({ name }) => name === task.phase);
  const phases = task.itinerary.map(({ name }, index) => {
    const state = task.status === 'completed' || index < current ? 'done' : index === current ? 'current' : 'ahead';
    return { name, step: stepOf(name), state } as const;
  });
  return {
    taskId: task.taskId,
    name: task.name,
    status: task.status,
    step: task.phase === null ? 'Completed' : stepOf(task.phase),
    phase: task.phase,
    phases,
    sourceMachineId: task.sourceMachineId,
    siteId: task.siteId,
    targetVmId: task.targetVmId,
    target: task.target,
    disks: [...task.disks],
    concerns: task.concerns.map((concern) => ({ ...concern })),
    decisions: task.decisions.map((decision) => ({ ...decision })),
    schedule: task.schedule,
    nextTimePoint: task.nextTimePoint,
    halt: task.halt,
    createdAt: task.createdAt,
    completedAt: task.completedAt,
  };
};

export const findMigrationTask = async (dataSource: DataSource, taskId: string): Promise<MigrationTaskView | null> => {
  const row = await dataSource.getRepository(MigrationTaskRow).findOneBy({ id: taskId });
  return row === null ? null : viewOf(row.state);
};

/** A page of tasks in the order of their ids, which never changes, so that paging misses none. */
export const listMigrationTasks = async (
  dataSource: DataSource,
  after: string | null,
  limit: number,
): Promise<{ tasks: MigrationTaskView[]; next: string | null }> => {
  const rows = await dataSource.getRepository(MigrationTaskRow).find({
    ...(after === null ? {} : { where: { id: MoreThan(after) } }),
    order: { id: 'ASC' },
    take: limit + 1,
  });
  const page = rows.slice(0, limit);
  return {
    tasks: page.map(({ state }) => viewOf(state)),
    next: rows.length > limit ? (page.at(-1)?.id ?? null) : null,
  };
};

/** Another task of this machine that has not ended. */
export const findOpenTaskOf = async (
  dataSource: DataSource,
  sourceMachineId: string,
  exceptTaskId: string,
): Promise<string | null> => {
  const row = await dataSource
    .getRepository(MigrationTaskRow)
    .findOneBy({ sourceMachineId, status: Not('completed'), id: Not(exceptTaskId) });
  return row?.id ?? null;
};
