import * as z from 'zod';
import { PUBLISHED, targetSpecification } from '#libs/contracts';
import { type Aggregate, defineCodec } from '#libs/eventsourcing';
import type { TargetVmCommand } from './domain/target-vm.commands.js';
import { targetVmDecider } from './domain/target-vm.decider.js';
import type { TargetVmEvent } from './domain/target-vm.events.js';
import type { TargetVmState } from './domain/target-vm.state.js';

const ofVm = { targetVmId: z.uuid(), taskId: z.uuid() };

export const targetVms: Aggregate<TargetVmState, TargetVmCommand, TargetVmEvent> = {
  category: 'targetVm',
  producer: 'provisioning',
  decider: targetVmDecider,
  codec: defineCodec<TargetVmEvent>({
    TargetVmRequested: {
      stored: PUBLISHED.targetVmRequested.stored,
      schema: z.object({ ...ofVm, siteId: z.uuid(), specification: targetSpecification }),
    },
    TargetVmCreated: PUBLISHED.targetVmCreated,
    TargetVmRestorerEnrolled: PUBLISHED.targetVmRestorerEnrolled,
    TargetVmRestorerConnected: {
      stored: 'provisioning.target-vm-restorer-connected.v1',
      schema: z.object({ ...ofVm, restorerId: z.uuid() }),
    },
    TargetVmReady: PUBLISHED.targetVmReady,
    TargetVmFailed: PUBLISHED.targetVmFailed,
    TargetVmBootFromDiskRequested: {
      stored: 'provisioning.target-vm-boot-from-disk-requested.v1',
      schema: z.object(ofVm),
    },
    TargetVmBootedFromDisk: PUBLISHED.targetVmBootedFromDisk,
    TargetVmRemovalRequested: PUBLISHED.targetVmRemovalRequested,
    TargetVmRemovalFailed: PUBLISHED.targetVmRemovalFailed,
    TargetVmRemoved: PUBLISHED.targetVmRemoved,
  }),
};
