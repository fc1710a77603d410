import type { MigratedDisk } from '#libs/contracts';
import type { AssessedOrder, MigrationTaskOrder } from './assess-order.js';

/** The disks to be migrated. Named by the operator, they have their turn in that order; else the agent decides. */
export const disksOf = (
  { diskIds }: Pick<MigrationTaskOrder, 'diskIds'>,
  { inventory }: Pick<AssessedOrder, 'inventory'>,
): MigratedDisk[] =>
  inventory.disks.map(({ diskId, device, sizeBytes }) => ({
    ...{ diskId, device, sizeBytes },
    ...(diskIds === undefined ? {} : { turn: diskIds.indexOf(diskId) }),
  }));
