import type * as z from 'zod';
import {
  type HciSiteView,
  type MachineInventory,
  type SourceMachineView,
  type TargetSpecification,
  type migrationTaskOrder,
} from '#libs/contracts';
import { DomainError } from '#libs/eventsourcing';
import { applyDecisions } from '../../../pre-check/allocation.decision.js';
import { type PreCheckResult, runPreChecks } from '../../../pre-check/run-pre-checks.js';
import { targetOf } from './target-of.js';

export type MigrationTaskOrder = z.output<typeof migrationTaskOrder>;

export interface AssessedOrder extends PreCheckResult {
  /** The source with the disks that are to be migrated and no others. */
  readonly inventory: MachineInventory;
  readonly target: TargetSpecification;
}

const chosenDisks = (inventory: MachineInventory, diskIds: readonly string[] | undefined): MachineInventory => {
  if (diskIds === undefined) return inventory;
  const unknown = diskIds.filter((id) => !inventory.disks.some(({ diskId }) => diskId === id));
  if (unknown.length > 0) {
    throw new DomainError(
      'PLANNING.DISK_NOT_FOUND',
      `The source machine has no disk ${unknown.join(', ')}.`,
      'Use disk ids from the source machine, or leave diskIds out to migrate all disks.',
      { diskIds: unknown },
    );
  }
  return { ...inventory, disks: inventory.disks.filter(({ diskId }) => diskIds.includes(diskId)) };
};

/** What an order amounts to: the completed target and what the pre-checks say of it. Pure. */
export const assessOrder = (order: MigrationTaskOrder, source: SourceMachineView, site: HciSiteView): AssessedOrder => {
  if (source.inventory === null) {
    throw new DomainError(
      'PLANNING.SOURCE_WITHOUT_INVENTORY',
      'The source machine has not reported its inventory yet.',
      'Start the agent on the source machine and wait a few seconds.',
    );
  }
  const inventory = chosenDisks(source.inventory, order.diskIds);
  const target = targetOf(inventory, order.target);
  const { concerns, decisions } = runPreChecks({
    inventory,
    site,
    target,
    options: { copyRawDisks: order.copyRawDisks },
  });
  return { inventory, target: { ...target, disks: applyDecisions(target.disks, decisions) }, concerns, decisions };
};
