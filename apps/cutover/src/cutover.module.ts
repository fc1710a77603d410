import { type DynamicModule, Injectable, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { EventStoreDb } from '#libs/eventstore';
import { ServiceBus } from '#libs/messaging';
import { KernelModule, Readers, type ServiceEnvironment } from '#libs/service-kit';
import { CutoverController } from './cutover/cutover.controller.js';
import { createCutover, CutoverRow, cutoverProjection } from './cutover/cutover.projection.js';
import { bootTargetWhenTakeOverStarted } from './policies/boot-target-when-take-over-started/boot-target-when-take-over-started.js';
import { declareTakeOverWhenBooted } from './policies/declare-take-over-when-booted/declare-take-over-when-booted.js';

@Injectable()
class CutoverReaders implements OnApplicationBootstrap {
  constructor(
    private readonly readers: Readers,
    private readonly store: EventStoreDb,
    private readonly bus: ServiceBus,
  ) {}

  onApplicationBootstrap(): void {
    this.readers.start([
      cutoverProjection,
      bootTargetWhenTakeOverStarted(this.bus),
      declareTakeOverWhenBooted(this.store),
    ]);
  }
}

@Module({})
export class CutoverModule {
  static for(environment: ServiceEnvironment): DynamicModule {
    return {
      module: CutoverModule,
      imports: [
        KernelModule.for({
          service: 'cutover',
          environment,
          readModels: { entities: [CutoverRow], migrations: [createCutover] },
        }),
      ],
      controllers: [CutoverController],
      providers: [CutoverReaders],
    };
  }
}
