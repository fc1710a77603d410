import { Column, type DataSource, Entity, In, MoreThan, Not } from 'typeorm';
import type { MigrationTaskView } from '#libs/contracts';
import { createDocumentTable, DocumentRow, documentProjection, refoldDocumentTable } from '#libs/projections';
import { stepOf, stepOfPhase } from '../domain/itinerary.js';
import type { MigrationTask } from '../domain/migration-task.state.js';
import { takesTimePoints } from '../domain/schedule.decisions.js';
import { migrationTasks } from '../migration-task.aggregate.js';

/**
 * `next_time_point` and `clean_up_at` are the timer tables of synchronization time points and of clean-ups: indexes on
 * what the events say.
 */
@Entity({ name: 'migration_task' })
export class MigrationTaskRow extends DocumentRow<MigrationTask> {
  @Column({ type: 'text' })
  status!: string;

  @Column({ name: 'source_machine_id', type: 'text' })
  sourceMachineId!: string;

  @Column({ name: 'next_time_point', type: 'timestamptz', nullable: true })
  nextTimePoint!: Date | null;

  @Column({ name: 'clean_up_at', type: 'timestamptz', nullable: true })
  cleanUpAt!: Date | null;
}

export const createMigrationTask = createDocumentTable(
  'CreateMigrationTask1700000001000',
  'migration_task',
  ['status text NOT NULL', 'source_machine_id text NOT NULL', 'next_time_point timestamptz'],
  ['source_machine_id', 'next_time_point'],
);

const READER = 'migration-task-projection';

/** Tasks are cancelled, paused and cleaned up from here on. */
export const addCleanUpToMigrationTask = refoldDocumentTable(
  'AddCleanUpToMigrationTask1700000001001',
  'migration_task',
  READER,
  ['clean_up_at timestamptz'],
  ['clean_up_at'],
);

/** Settings name the digest algorithm from here on. */
export const refoldMigrationTaskDigests = refoldDocumentTable(
  'RefoldMigrationTaskDigests1700000001002',
  'migration_task',
  READER,
);

/** When the next synchronization begins by itself; null also while the task takes no time points. */
const nextTimePointOf = (task: MigrationTask): string | null => (takesTimePoints(task) ? task.nextTimePoint : null);

export const migrationTaskProjection = documentProjection({
  name: READER,
  table: 'migration_task',
  aggregate: migrationTasks,
  columns: (task) => ({
    status: task?.status ?? 'running',
    source_machine_id: task?.sourceMachineId ?? '',
    next_time_point: task === null ? null : nextTimePointOf(task),
    clean_up_at: task?.cleanUp?.at ?? null,
  }),
});

/** The task as people see it, from its folded state. */
export const viewOf = (task: MigrationTask): MigrationTaskView => {
  const current = task.itinerary.findIndex(({ name }) => name === task.phase);
  const phases = task.itinerary.map(({ name }, index) => {
    const isDone = task.status === 'completed' || index < current || (index === current && task.isPhaseOver);
    const state = isDone ? 'done' : index === current ? 'current' : 'ahead';
    return { name, step: stepOfPhase(name), state } as const;
  });
  return {
    taskId: task.taskId,
    name: task.name,
    status: task.status,
    step: stepOf(task),
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
    nextTimePoint: nextTimePointOf(task),
    halt: task.cleanUpFailure ?? task.halt,
    settings: task.settings,
    cleanUpAt: task.cleanUp?.at ?? null,
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
    .findOneBy({ sourceMachineId, status: Not(In(['completed', 'cancelled'])), id: Not(exceptTaskId) });
  return row?.id ?? null;
};
