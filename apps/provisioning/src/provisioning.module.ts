import { type DynamicModule, Inject, Injectable, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { TransientError, load } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { type HciDriver, LocalProcessDriver } from '#libs/hci';
import { ServiceBus } from '#libs/messaging';
import { KernelModule, Readers } from '#libs/service-kit';
import { hciSites } from './hci-site/hci-site.aggregate.js';
import { createHciSite, HciSiteRow, hciSiteProjection } from './hci-site/hci-site.projection.js';
import { HciSitesController } from './hci-site/hci-sites.controller.js';
import { driveHypervisorWhenRequested } from './policies/drive-hypervisor-when-requested/drive-hypervisor-when-requested.js';
import { EnrolmentDeadlineSweeper } from './policies/fail-when-not-enrolled/enrolment-deadline-sweeper.js';
import { noteReadyWhenRestorerConnected } from './policies/note-ready-when-restorer-connected/note-ready-when-restorer-connected.js';
import type { ProvisioningConfig } from './provisioning.config.js';
import { createTargetVm, refoldTargetVm, TargetVmRow, targetVmProjection } from './target-vm/target-vm.projection.js';
import { TargetVmsController } from './target-vm/target-vms.controller.js';

const DRIVERS = Symbol('Drivers');
type Drivers = Readonly<Record<'local-process', HciDriver>>;

@Injectable()
class ProvisioningReaders implements OnApplicationBootstrap {
  constructor(
    private readonly readers: Readers,
    private readonly store: EventStoreDb,
    private readonly bus: ServiceBus,
    @Inject(DRIVERS) private readonly drivers: Drivers,
  ) {}

  onApplicationBootstrap(): void {
    const driverOf = async (siteId: string): Promise<HciDriver> => {
      const { state } = await load(this.store, hciSites, siteId);
      if (state === null) throw new TransientError(`Site ${siteId} is not known`);
      return this.drivers[state.driver];
    };
    this.readers.start([
      hciSiteProjection,
      targetVmProjection,
      driveHypervisorWhenRequested(this.store, this.bus, driverOf),
      noteReadyWhenRestorerConnected(this.store),
    ]);
  }
}

@Module({})
export class ProvisioningModule {
  static for(config: ProvisioningConfig): DynamicModule {
    const drivers: Drivers = {
      'local-process': new LocalProcessDriver({
        folder: config.LOCAL_PROCESS_FOLDER,
        restorerProgram: config.RESTORER_PROGRAM,
        node: process.execPath,
        serverUrl: config.LOCAL_PROCESS_SERVER_URL ?? null,
        insecureNetwork: config.LOCAL_PROCESS_INSECURE_NETWORK === 'true',
        listenHost: config.LOCAL_PROCESS_LISTEN_HOST,
      }),
    };
    return {
      module: ProvisioningModule,
      imports: [
        KernelModule.for({
          service: 'provisioning',
          environment: config,
          readModels: {
            entities: [HciSiteRow, TargetVmRow],
            migrations: [createHciSite, createTargetVm, refoldTargetVm],
          },
        }),
      ],
      controllers: [HciSitesController, TargetVmsController],
      providers: [{ provide: DRIVERS, useValue: drivers }, EnrolmentDeadlineSweeper, ProvisioningReaders],
    };
  }
}
