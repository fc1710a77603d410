import { CleanUpSweeper } from '../../../apps/planning/src/clean-up/clean-up-sweeper.js';
import { CreateMigrationTask } from '../../../apps/planning/src/migration-task/commands/create-migration-task/create-migration-task.js';
import type { MigrationTaskEvent } from '../../../apps/planning/src/migration-task/domain/migration-task.events.js';
import type { MigrationTaskState } from '../../../apps/planning/src/migration-task/domain/migration-task.state.js';
import { takesTimePoints } from '../../../apps/planning/src/migration-task/domain/schedule.decisions.js';
import { MigrationTasksController } from '../../../apps/planning/src/migration-task/migration-tasks.controller.js';
import { TimePointSweeper } from '../../../apps/planning/src/schedule/time-point-sweeper.js';
import { driveMigrationTask } from '../../../apps/planning/src/workflows/drive-migration-task/drive-migration-task.js';
import type { EventStoreDb } from '#libs/eventstore';
import type { ServiceBus } from '#libs/messaging';
import type { DataSource } from 'typeorm';
import type { ReadModel } from '../world/read-model.js';
import type { Sweeper } from '../world/sweeper.js';
import { answersOf } from './controllers.js';
import { postgresThatIsAhead } from './postgres.js';
import { type Ground, type ServiceParts, subscriberOf } from './service.js';
import { TimerTable } from './timers.js';

export interface PlanningWorld {
  readonly taskStates: ReadModel<MigrationTaskState, MigrationTaskEvent>;
}

export const planning = (ground: Ground, world: PlanningWorld): ServiceParts => {
  const { store, bus } = ground;
  const adapter = store as unknown as EventStoreDb;
  const postgres = postgresThatIsAhead();
  const create = new CreateMigrationTask(adapter, postgres, bus as unknown as ServiceBus);
  return {
    answers: answersOf(new MigrationTasksController(adapter, postgres, create)),
    subscribers: [world.taskStates.subscriber(), subscriberOf(driveMigrationTask(store, bus))],
    tasks: [
      sweeperOf(ground, world, TIME_POINTS_EVERY_MS, timePointOf, (rows) => new TimePointSweeper(adapter, rows)),
      sweeperOf(ground, world, CLEAN_UPS_EVERY_MS, cleanUpAtOf, (rows) => new CleanUpSweeper(adapter, rows)),
    ],
  };
};

/** As the column `next_time_point`. */
export const timePointOf = (task: MigrationTaskState): string | null =>
  task !== null && takesTimePoints(task) ? task.nextTimePoint : null;
/** As the column `clean_up_at`. */
export const cleanUpAtOf = (task: MigrationTaskState): string | null => task?.cleanUp?.at ?? null;

/** As of the real ones. */
const TIME_POINTS_EVERY_MS = 500;
const CLEAN_UPS_EVERY_MS = 5_000;

const sweeperOf = (
  { life }: Ground,
  { taskStates: readModel }: PlanningWorld,
  everyMs: number,
  dueAtOf: (task: MigrationTaskState) => string | null,
  make: (postgres: DataSource) => { sweep(now: Date): Promise<void> },
): Sweeper => {
  const table = new TimerTable({ life, readModel, dueAtOf, everyMs, settleMs: 0 });
  const real = make(postgresThatIsAhead({ find: () => table.due() }));
  return table.sweeper((now) => real.sweep(now));
};
