import type { Published, TargetSpecification } from '#libs/contracts';
import type { DomainEvent } from '#libs/eventsourcing';

export interface TargetVmOrder {
  readonly targetVmId: string;
  readonly taskId: string;
  readonly siteId: string;
  readonly specification: TargetSpecification;
}

/** Said before anything is made outside, so that what exists there is always known from events. */
export type TargetVmRequested = DomainEvent<'TargetVmRequested', TargetVmOrder>;
export type TargetVmCreated = DomainEvent<'TargetVmCreated', Published['targetVmCreated']>;
/** Its credential exists from here on, and is refused once the machine is removed. */
export type TargetVmRestorerEnrolled = DomainEvent<'TargetVmRestorerEnrolled', Published['targetVmRestorerEnrolled']>;
/** It has shown that it can be worked with while nobody waited for it: after a failure. */
export type TargetVmRestorerConnected = DomainEvent<
  'TargetVmRestorerConnected',
  { readonly targetVmId: string; readonly taskId: string; readonly restorerId: string }
>;
export type TargetVmReady = DomainEvent<'TargetVmReady', Published['targetVmReady']>;
export type TargetVmFailed = DomainEvent<'TargetVmFailed', Published['targetVmFailed']>;
export type TargetVmBootFromDiskRequested = DomainEvent<
  'TargetVmBootFromDiskRequested',
  { readonly targetVmId: string; readonly taskId: string }
>;
export type TargetVmBootedFromDisk = DomainEvent<'TargetVmBootedFromDisk', Published['targetVmBootedFromDisk']>;
/** Said before anything is deleted. From here on the id is never used again. */
export type TargetVmRemovalRequested = DomainEvent<'TargetVmRemovalRequested', Published['targetVmRemovalRequested']>;
export type TargetVmRemovalFailed = DomainEvent<'TargetVmRemovalFailed', Published['targetVmRemovalFailed']>;
/** Said of a machine that was never asked for, too: a request that comes later comes too late. */
export type TargetVmRemoved = DomainEvent<'TargetVmRemoved', Published['targetVmRemoved']>;

export type TargetVmEvent =
  | TargetVmRequested
  | TargetVmCreated
  | TargetVmRestorerEnrolled
  | TargetVmRestorerConnected
  | TargetVmReady
  | TargetVmFailed
  | TargetVmBootFromDiskRequested
  | TargetVmBootedFromDisk
  | TargetVmRemovalRequested
  | TargetVmRemovalFailed
  | TargetVmRemoved;
