import { type DynamicModule, Global, Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { EventStoreDb } from '#libs/eventstore';
import { ServiceBus } from '#libs/messaging';
import { type ReadModelStore, openReadModelStore } from '#libs/projections';
import type { ServiceEnvironment } from './environment.js';
import { KernelShutdown } from './kernel-shutdown.js';
import { Readers } from './readers.js';

/** What a service says of itself to get its kernel. */
export interface KernelOptions {
  /** Name of the service: its NATS queue, its schema in Postgres, the `producer` of its events. */
  readonly service: string;
  readonly environment: ServiceEnvironment;
  readonly readModels: Pick<ReadModelStore, 'entities' | 'migrations'>;
}

/**
 * Event store, read-model store (migrated), service bus and readers of one service, for injection by class:
 * {@link EventStoreDb}, {@link DataSource}, {@link ServiceBus}, {@link Readers}.
 */
@Global()
@Module({})
export class KernelModule {
  static for(options: KernelOptions): DynamicModule {
    const { service, environment, readModels } = options;
    return {
      module: KernelModule,
      providers: [
        { provide: EventStoreDb, useFactory: () => new EventStoreDb(environment.EVENTSTORE_URL) },
        {
          provide: DataSource,
          useFactory: () => openReadModelStore({ url: environment.DATABASE_URL, schema: service, ...readModels }),
        },
        {
          provide: ServiceBus,
          useFactory: async () => {
            const bus = new ServiceBus(environment.NATS_URL, service);
            await bus.connect();
            return bus;
          },
        },
        Readers,
        KernelShutdown,
      ],
      exports: [EventStoreDb, DataSource, ServiceBus, Readers],
    };
  }
}
