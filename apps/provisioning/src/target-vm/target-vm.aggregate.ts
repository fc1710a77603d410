import { z } from 'zod';
import { PUBLISHED, targetSpecification } from '#libs/contracts';
import { type Aggregate, defineCodec } from '#libs/eventsourcing';
import {
  type TargetVmCommand,
  type TargetVmEvent,
  type TargetVmState,
  targetVmDecider,
} from './domain/target-vm.decider.js';

const ofVm = { targetVmId: z.uuid(), taskId: z.uuid() };

export const targetVms: Aggregate<TargetVmState, TargetVmCommand, TargetVmEvent> = {
  category: 'targetVm',
  producer: 'provisioning',
  decider: targetVmDecider,
  codec: defineCodec<TargetVmEvent>({
    TargetVmRequested: {
      stored: 'provisioning.target-vm-requested.v1',
      schema: z.object({ ...ofVm, siteId: z.uuid(), specification: targetSpecification }),
    },
    TargetVmCreated: {
      stored: 'provisioning.target-vm-created.v1',
      schema: z.object({ ...ofVm, reference: z.string() }),
    },
    TargetVmReady: PUBLISHED.targetVmReady,
    TargetVmFailed: PUBLISHED.targetVmFailed,
    TargetVmBootFromDiskRequested: {
      stored: 'provisioning.target-vm-boot-from-disk-requested.v1',
      schema: z.object(ofVm),
    },
    TargetVmBootedFromDisk: PUBLISHED.targetVmBootedFromDisk,
  }),
};
