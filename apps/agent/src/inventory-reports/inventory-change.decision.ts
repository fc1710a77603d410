import type { FileSystem, MachineInventory } from '#libs/contracts';

/** An inventory is reported this often even when nothing seems to have changed, for the figures that always do. */
export const INVENTORY_REPORT_INTERVAL_MS = 600_000;

/** True when the server should hear of this inventory. */
export function isInventoryDue(
  reported: { readonly inventory: MachineInventory; readonly atMs: number } | null,
  inventory: MachineInventory,
  nowMs: number,
): boolean {
  if (reported === null || nowMs - reported.atMs >= INVENTORY_REPORT_INTERVAL_MS) return true;
  return JSON.stringify(lasting(reported.inventory)) !== JSON.stringify(lasting(inventory));
}

/** Without what changes all the time: free memory and the fill of file systems. */
function lasting(inventory: MachineInventory): unknown {
  const still = (fileSystem: FileSystem | null): unknown => fileSystem && { ...fileSystem, usedBytes: null };
  return {
    ...inventory,
    memoryFreeBytes: 0,
    disks: inventory.disks.map((disk) => ({
      ...disk,
      fileSystem: still(disk.fileSystem),
      partitions: disk.partitions.map((partition) => ({ ...partition, fileSystem: still(partition.fileSystem) })),
    })),
  };
}
