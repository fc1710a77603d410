import { type DynamicModule, Injectable, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { EventStoreDb } from '#libs/eventstore';
import { ServiceBus } from '#libs/messaging';
import { KernelModule, Readers } from '#libs/service-kit';
import { AcknowledgedRanges } from './acknowledged-ranges/acknowledged-ranges.js';
import { Assignments } from './control-channel/assignments.js';
import { ControlChannel } from './control-channel/control-channel.js';
import { DataSeen } from './control-channel/data-seen/data-seen.js';
import { ConnectionNotes } from './control-channel/presence/connection-notes.js';
import { CreateLinkServer1700000006000 } from './control-channel/presence/link-server.table.js';
import { LostConnectionSweeper } from './control-channel/presence/lost-connection-sweeper.js';
import { ServerLease } from './control-channel/presence/server-lease.js';
import { StaleConnectionSweeper } from './control-channel/presence/stale-connection-sweeper.js';
import { ReportHandler } from './control-channel/report-handler.js';
import { createEndpoint, EndpointRow, endpointProjection } from './endpoint/read-model/source-machine.projection.js';
import { SourceMachinesController } from './endpoint/source-machines.controller.js';
import { Enroller } from './enrolment/enroller.js';
import { assignWhenReplicationChanged } from './policies/assign-when-replication-changed/assign-when-replication-changed.js';
import { noteAwayWhenEndpointLeft } from './policies/note-away-when-endpoint-left/note-away-when-endpoint-left.js';
import { ResumeDeadlineSweeper } from './policies/reach-deadlines-when-due/resume-deadline-sweeper.js';
import { revokeRestorerWhenTargetRemoved } from './policies/revoke-restorer-when-target-removed/revoke-restorer-when-target-removed.js';
import {
  createReplication,
  refoldReplication,
  refoldReplicationDigests,
  ReplicationRow,
  replicationProjection,
} from './replication/read-model/replication.projection.js';
import { ReplicationController } from './replication/replication.controller.js';
import { TRANSFER_CONFIG, type TransferConfig } from './transfer.config.js';

@Injectable()
class TransferReaders implements OnApplicationBootstrap {
  constructor(
    private readonly readers: Readers,
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
    private readonly bus: ServiceBus,
  ) {}

  onApplicationBootstrap(): void {
    this.readers.start([
      endpointProjection,
      replicationProjection,
      assignWhenReplicationChanged(this.store, this.dataSource, this.bus),
      noteAwayWhenEndpointLeft(this.store, this.dataSource),
      revokeRestorerWhenTargetRemoved(this.store),
    ]);
  }
}

@Module({})
export class TransferModule {
  static for(config: TransferConfig): DynamicModule {
    return {
      module: TransferModule,
      imports: [
        KernelModule.for({
          service: 'transfer',
          environment: config,
          readModels: {
            entities: [EndpointRow, ReplicationRow],
            migrations: [
              createEndpoint,
              createReplication,
              refoldReplication,
              refoldReplicationDigests,
              CreateLinkServer1700000006000,
            ],
          },
        }),
      ],
      controllers: [SourceMachinesController, ReplicationController],
      providers: [
        { provide: TRANSFER_CONFIG, useValue: config },
        AcknowledgedRanges,
        Assignments,
        ConnectionNotes,
        ControlChannel,
        DataSeen,
        Enroller,
        LostConnectionSweeper,
        ReportHandler,
        ResumeDeadlineSweeper,
        ServerLease,
        StaleConnectionSweeper,
        TransferReaders,
      ],
    };
  }
}
