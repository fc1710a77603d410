import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { ServiceBus } from '#libs/messaging';
import { CutoverController } from './cutover/cutover.controller.js';
import { EnrolmentController } from './enrolment/enrolment.controller.js';
import { HciSitesController } from './hci-sites/hci-sites.controller.js';
import { HealthController } from './health/health.controller.js';
import { NatsEcho } from './health/nats-echo.js';
import { CancellationController } from './migration-tasks/cancellation.controller.js';
import { MigrationTaskReader } from './migration-tasks/migration-task-reader.js';
import { MigrationTasksController } from './migration-tasks/migration-tasks.controller.js';
import { PauseController } from './migration-tasks/pause.controller.js';
import { ThrottleController } from './migration-tasks/throttle.controller.js';
import { SynchronizationController } from './migration-tasks/synchronization.controller.js';
import { OpenApiDocument } from './openapi/openapi-document.js';
import { OpenApiController } from './openapi/openapi.controller.js';
import { ProblemFilter } from './problem-details/problem.filter.js';
import { ProgressController } from './progress/progress.controller.js';
import { ProgressStreams } from './progress/progress-streams.js';
import { TaskWatches } from './progress/task-watches.js';
import { requestValidation } from './requests/request-validation.js';
import { ServiceBusConnection } from './service-bus/service-bus-connection.js';
import { SourceMachinesController } from './source-machines/source-machines.controller.js';

@Module({})
export class GatewayModule {
  /** @param natsUrl where services are asked; connected to when the application is initialised */
  static for(natsUrl: string): DynamicModule {
    return {
      module: GatewayModule,
      controllers: [
        HealthController,
        OpenApiController,
        EnrolmentController,
        SourceMachinesController,
        HciSitesController,
        MigrationTasksController,
        SynchronizationController,
        PauseController,
        ThrottleController,
        CancellationController,
        CutoverController,
        ProgressController,
      ],
      providers: [
        { provide: ServiceBus, useFactory: () => new ServiceBus(natsUrl, 'gateway') },
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_PIPE, useFactory: requestValidation },
        ServiceBusConnection,
        NatsEcho,
        OpenApiDocument,
        MigrationTaskReader,
        TaskWatches,
        ProgressStreams,
      ],
    };
  }
}
