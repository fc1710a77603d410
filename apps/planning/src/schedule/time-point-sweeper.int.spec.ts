import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type PersistedEvent, handleCommand } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { createDatabase } from '#libs/local-stack';
import { openReadModelStore } from '#libs/projections';
import { exampleContext } from '#libs/testing';
import type { MigrationTaskCommand } from '../migration-task/domain/migration-task.commands.js';
import { migrationTasks } from '../migration-task/migration-task.aggregate.js';
import { HOURLY, ORDER } from '../migration-task/migration-task.examples.js';
import {
  MigrationTaskRow,
  addCleanUpToMigrationTask,
  createMigrationTask,
  findMigrationTask,
  findOpenTaskOf,
  listMigrationTasks,
  migrationTaskProjection,
} from '../migration-task/read-model/migration-task.projection.js';
import { TimePointSweeper } from './time-point-sweeper.js';

let dataSource: DataSource;
const store = new EventStoreDb(inject('eventStoreUrl'));
beforeAll(async () => {
  const url = await createDatabase(inject('databaseUrl'), `planning_${randomUUID().replaceAll('-', '')}`);
  dataSource = await openReadModelStore({
    url,
    schema: 'planning',
    entities: [MigrationTaskRow],
    migrations: [createMigrationTask, addCleanUpToMigrationTask],
  });
});
afterAll(async () => {
  await dataSource.destroy();
  await store.close();
});

const at = (minute: number) => new Date(Date.UTC(2026, 2, 1, 10, minute));

/** A task whose read model is brought up to date by hand, as its reader would. */
const scene = async (sourceMachineId: string = randomUUID()) => {
  const taskId = randomUUID();
  const tell = (command: MigrationTaskCommand) =>
    handleCommand(store, migrationTasks, taskId, command, exampleContext({ commandId: randomUUID() }));
  const history = (): Promise<readonly PersistedEvent[]> => store.readStream(`migrationTask-${taskId}`);
  let applied = 0;
  const project = async () => {
    const events = await history();
    for (const event of events.slice(applied)) {
      await dataSource.transaction((manager) => migrationTaskProjection.apply(event, manager));
    }
    applied = events.length;
  };
  const recorded = async (storedType: string) =>
    (await history()).filter((event) => event.storedType === storedType).map(({ data }) => data);
  const reached = () => recorded('planning.synchronization-time-point-reached.v1');
  const passedOver = () => recorded('planning.synchronization-time-point-passed-over.v1');
  await tell({ type: 'CreateMigrationTask', order: { ...ORDER, taskId, sourceMachineId } });
  return { taskId, sourceMachineId, tell, project, reached, passedOver };
};
const hourly = (minute: number): MigrationTaskCommand => ({
  type: 'ScheduleSync',
  schedule: HOURLY,
  nextTimePoint: at(minute).toISOString(),
});
const sweepers = () => [new TimePointSweeper(store, dataSource), new TimePointSweeper(store, dataSource)] as const;

describe('the sweep for synchronization time points', () => {
  it('reaches what is due, once, however many sweep and though the read model is late', async () => {
    const { tell, project, reached } = await scene();
    await tell(hourly(10));
    await project();
    const [one, other] = sweepers();
    await one.sweep(at(9));
    expect(await reached()).toEqual([]);
    await Promise.all([one.sweep(at(10)), other.sweep(at(10))]);
    await other.sweep(at(11));
    expect(await reached()).toMatchObject([
      { generation: 1, timePoint: at(10).toISOString(), nextTimePoint: at(70).toISOString() },
    ]);
  });

  it('reaches one time point for all that passed while everything was down', async () => {
    const { tell, project, reached } = await scene();
    await tell(hourly(10));
    await project();
    const [one] = sweepers();
    await one.sweep(at(10 + 60 * 5 + 1));
    expect(await reached()).toMatchObject([
      { timePoint: at(10).toISOString(), nextTimePoint: at(10 + 60 * 6).toISOString() },
    ]);
    await project();
    await one.sweep(at(10 + 60 * 6));
    expect(await reached()).toHaveLength(2);
  });

  it('passes over what is overdue, and goes on with the next, when the schedule says so', async () => {
    const { tell, project, reached, passedOver } = await scene();
    const hour = hourly(10) as Extract<MigrationTaskCommand, { type: 'ScheduleSync' }>;
    await tell({ ...hour, schedule: { ...hour.schedule, catchUp: 'skip' } });
    await project();
    const [one] = sweepers();
    await one.sweep(at(10 + 60 * 5 + 1));
    expect(await reached()).toEqual([]);
    expect(await passedOver()).toMatchObject([
      { timePoint: at(10).toISOString(), nextTimePoint: at(10 + 60 * 6).toISOString() },
    ]);
    await project();
    await one.sweep(at(10 + 60 * 6));
    expect(await reached()).toHaveLength(1);
  });

  it('leaves a cancelled task alone until the cancellation is withdrawn', async () => {
    const { tell, project, reached } = await scene();
    await tell(hourly(10));
    await tell({ type: 'CancelMigrationTask', graceSeconds: null });
    await project();
    const [one] = sweepers();
    await one.sweep(at(11));
    expect(await reached()).toEqual([]);
    await tell({ type: 'WithdrawCancellation' });
    await project();
    await one.sweep(at(11));
    expect(await reached()).toMatchObject([{ timePoint: at(10).toISOString() }]);
  });

  it('does not reach what an earlier schedule wanted', async () => {
    const { tell, project, reached } = await scene();
    await tell(hourly(10));
    await project();
    await tell(hourly(50));
    const [one] = sweepers();
    await one.sweep(at(20)); // the read model still says 10:10
    expect(await reached()).toEqual([]);
    await project();
    await one.sweep(at(50));
    expect(await reached()).toMatchObject([{ generation: 2, timePoint: at(50).toISOString() }]);
  });

  it('reaches nothing once the schedule is removed', async () => {
    const { tell, project, reached } = await scene();
    await tell(hourly(10));
    await tell({ type: 'RemoveSyncSchedule' });
    await project();
    await sweepers()[0].sweep(at(20));
    expect(await reached()).toEqual([]);
  });
});

describe('the read model of tasks', () => {
  it('finds a task, and the one that keeps a machine busy, until it has ended', async () => {
    const { taskId, sourceMachineId, project, tell } = await scene();
    expect(await findMigrationTask(dataSource, taskId)).toBeNull();
    await project();
    expect(await findMigrationTask(dataSource, taskId)).toMatchObject({ taskId, phase: 'prepare-target' });
    expect(await findOpenTaskOf(dataSource, sourceMachineId, randomUUID())).toBe(taskId);
    expect(await findOpenTaskOf(dataSource, sourceMachineId, taskId)).toBeNull();
    const facts = ['target-vm-ready', 'full-sync-completed', 'final-sync-approved', 'final-sync-completed'];
    for (const fact of [...facts, 'replica-verified', 'take-over-declared']) {
      await tell({ type: 'NoteFact', fact, restorerId: null });
    }
    await project();
    expect(await findMigrationTask(dataSource, taskId)).toMatchObject({ status: 'completed' });
    expect(await findOpenTaskOf(dataSource, sourceMachineId, randomUUID())).toBeNull();
  });

  it('finds no machine busy by a task that was cancelled and cleaned up', async () => {
    const { taskId, sourceMachineId, project, tell } = await scene();
    await tell({ type: 'CancelMigrationTask', graceSeconds: 0 });
    await tell({ type: 'ReachCleanUp', generation: 1 });
    await project();
    expect(await findOpenTaskOf(dataSource, sourceMachineId, randomUUID())).toBe(taskId);
    await tell({ type: 'NoteTargetRemoved' });
    await project();
    expect(await findMigrationTask(dataSource, taskId)).toMatchObject({ status: 'cancelled', cleanUpAt: null });
    expect(await findOpenTaskOf(dataSource, sourceMachineId, randomUUID())).toBeNull();
  });

  it('lists every task once, page by page', async () => {
    for (let count = 0; count < 3; count += 1) await (await scene()).project();
    const all = await listMigrationTasks(dataSource, null, 500);
    expect(all.next).toBeNull();
    const paged: string[] = [];
    let after: string | null = null;
    do {
      const page = await listMigrationTasks(dataSource, after, 2);
      expect(page.tasks.length).toBeLessThanOrEqual(2);
      paged.push(...page.tasks.map(({ taskId }) => taskId));
      after = page.next;
    } while (after !== null);
    expect(paged).toEqual(all.tasks.map(({ taskId }) => taskId));
    expect(paged.length).toBeGreaterThanOrEqual(3);
  });
});
