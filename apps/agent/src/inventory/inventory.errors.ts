/** Why an inventory could not be taken. A closed list; compare codes, not classes, across processes. */
export const INVENTORY_ERROR_CODES = [
  'INVENTORY.TOOL_MISSING',
  'INVENTORY.TOOL_FAILED',
  'INVENTORY.TOOL_OUTPUT_UNREADABLE',
  'INVENTORY.DISK_NOT_FOUND',
  'INVENTORY.DISK_NOT_A_BLOCK_DEVICE',
  'INVENTORY.DISK_IS_A_PARTITION',
  'INVENTORY.TOO_MANY_DISKS',
] as const;
export type InventoryErrorCode = (typeof INVENTORY_ERROR_CODES)[number];

/** A fault the operator of the source machine can put right: `remedy` says how. */
export class InventoryError extends Error {
  override readonly name = 'InventoryError';

  constructor(
    readonly code: InventoryErrorCode,
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}
