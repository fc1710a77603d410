import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { handleCommand } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { createDatabase } from '#libs/local-stack';
import { openReadModelStore } from '#libs/projections';
import { exampleContext } from '#libs/testing';
import type { MigrationTaskCommand } from '../migration-task/domain/migration-task.commands.js';
import { migrationTasks } from '../migration-task/migration-task.aggregate.js';
import { FAILURE, NOW, ORDER, after } from '../migration-task/migration-task.examples.js';
import {
  MigrationTaskRow,
  addCleanUpToMigrationTask,
  createMigrationTask,
  findMigrationTask,
  migrationTaskProjection,
} from '../migration-task/read-model/migration-task.projection.js';
import { CleanUpSweeper } from './clean-up-sweeper.js';

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

/** A task whose read model is brought up to date by hand, as its reader would. */
const scene = async () => {
  const taskId = randomUUID();
  const tell = (command: MigrationTaskCommand) =>
    handleCommand(store, migrationTasks, taskId, command, exampleContext({ commandId: randomUUID(), now: NOW }));
  let applied = 0;
  const project = async () => {
    const events = await store.readStream(`migrationTask-${taskId}`);
    for (const event of events.slice(applied)) {
      await dataSource.transaction((manager) => migrationTaskProjection.apply(event, manager));
    }
    applied = events.length;
  };
  const started = async () =>
    (await store.readStream(`migrationTask-${taskId}`))
      .filter(({ storedType }) => storedType === 'planning.clean-up-started.v1')
      .map(({ data }) => data);
  await tell({ type: 'CreateMigrationTask', order: { ...ORDER, taskId, sourceMachineId: randomUUID() } });
  return { taskId, tell, project, started };
};
const sweepers = () => [new CleanUpSweeper(store, dataSource), new CleanUpSweeper(store, dataSource)] as const;
const at = (seconds: number) => new Date(after(seconds));
const cancel: MigrationTaskCommand = { type: 'CancelMigrationTask', graceSeconds: 600 };

describe('the sweep for clean-ups', () => {
  it('begins what is due, once, however many sweep and though the read model is late', async () => {
    const { taskId, tell, project, started } = await scene();
    await tell(cancel);
    await project();
    expect(await findMigrationTask(dataSource, taskId)).toMatchObject({ status: 'cancelling', cleanUpAt: after(600) });
    const [one, other] = sweepers();
    await one.sweep(at(599.999));
    expect(await started()).toEqual([]);
    await Promise.all([one.sweep(at(600)), other.sweep(at(600))]);
    await other.sweep(at(601));
    expect(await started()).toEqual([{ taskId, generation: 1, cause: 'cancellation', dueAt: after(600) }]);
  });

  it('begins with its true date what came due while everything was down', async () => {
    const { taskId, tell, project, started } = await scene();
    await tell({ type: 'NoteFailure', phases: ['prepare-target'], failure: FAILURE });
    await project();
    await sweepers()[0].sweep(at(99_999));
    expect(await started()).toEqual([{ taskId, generation: 1, cause: 'failure', dueAt: after(1200) }]);
  });

  it('begins nothing for a cancellation that was withdrawn, though the read model does not know it yet', async () => {
    const { tell, project, started } = await scene();
    await tell(cancel);
    await project();
    await tell({ type: 'WithdrawCancellation' });
    const [one] = sweepers();
    await one.sweep(at(600));
    await project();
    await one.sweep(at(600));
    expect(await started()).toEqual([]);
  });

  it('takes a later cancellation for another one', async () => {
    const { taskId, tell, project, started } = await scene();
    await tell(cancel);
    await project();
    await tell({ type: 'WithdrawCancellation' });
    await tell({ type: 'CancelMigrationTask', graceSeconds: 900 });
    const [one] = sweepers();
    await one.sweep(at(700)); // the read model still names the first
    expect(await started()).toEqual([]);
    await project();
    await one.sweep(at(900));
    expect(await started()).toEqual([{ taskId, generation: 2, cause: 'cancellation', dueAt: after(900) }]);
  });
});
