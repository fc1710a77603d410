import { type DynamicModule, Injectable, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { EventStoreDb } from '#libs/eventstore';
import { ServiceBus } from '#libs/messaging';
import { KernelModule, Readers, type ServiceEnvironment } from '#libs/service-kit';
import { CleanUpSweeper } from './clean-up/clean-up-sweeper.js';
import { CreateMigrationTask } from './migration-task/commands/create-migration-task/create-migration-task.js';
import { MigrationTasksController } from './migration-task/migration-tasks.controller.js';
import {
  addCleanUpToMigrationTask,
  createMigrationTask,
  refoldMigrationTaskDigests,
  MigrationTaskRow,
  migrationTaskProjection,
} from './migration-task/read-model/migration-task.projection.js';
import { TimePointSweeper } from './schedule/time-point-sweeper.js';
import { driveMigrationTask } from './workflows/drive-migration-task/drive-migration-task.js';

@Injectable()
class PlanningReaders implements OnApplicationBootstrap {
  constructor(
    private readonly readers: Readers,
    private readonly store: EventStoreDb,
    private readonly bus: ServiceBus,
  ) {}

  onApplicationBootstrap(): void {
    this.readers.start([migrationTaskProjection, driveMigrationTask(this.store, this.bus)]);
  }
}

@Module({})
export class PlanningModule {
  static for(environment: ServiceEnvironment): DynamicModule {
    return {
      module: PlanningModule,
      imports: [
        KernelModule.for({
          service: 'planning',
          environment,
          readModels: {
            entities: [MigrationTaskRow],
            migrations: [createMigrationTask, addCleanUpToMigrationTask, refoldMigrationTaskDigests],
          },
        }),
      ],
      controllers: [MigrationTasksController],
      providers: [CreateMigrationTask, TimePointSweeper, CleanUpSweeper, PlanningReaders],
    };
  }
}
