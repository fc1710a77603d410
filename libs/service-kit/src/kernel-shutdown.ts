import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { EventStoreDb } from '#libs/eventstore';
import { ServiceBus } from '#libs/messaging';
import { Readers } from './readers.js';

/** Ends a kernel in order: readers first, as they use everything else. */
@Injectable()
export class KernelShutdown implements OnApplicationShutdown {
  constructor(
    private readonly readers: Readers,
    private readonly bus: ServiceBus,
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.readers.stop();
    await this.bus.close().catch(() => undefined);
    await this.store.close().catch(() => undefined);
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}
