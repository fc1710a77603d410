import { EndpointFailure } from '#libs/block-transfer';
import type { EndpointFailureCode } from '#libs/contracts';
import { InventoryError } from '../inventory/inventory.errors.js';

/** The contract's limit. */
const MAX_DETAIL_CHARACTERS = 2_000;

/** How a round that ended with this error is reported. */
export function failureOf(error: unknown): { readonly code: EndpointFailureCode; readonly detail: string } {
  if (error instanceof EndpointFailure) return { code: error.code, detail: cut(error.detail) };
  if (error instanceof InventoryError) {
    const gone = error.code === 'INVENTORY.DISK_NOT_FOUND' || error.code === 'INVENTORY.DISK_NOT_A_BLOCK_DEVICE';
    return { code: gone ? 'SOURCE_DISK_CHANGED' : 'INTERNAL_ERROR', detail: cut(`${error.message} ${error.remedy}`) };
  }
  return {
    code: 'INTERNAL_ERROR',
    detail: cut(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  };
}

/** The link between source and target is the trouble; the next attempt may have a better one. */
export function isPathLost(error: unknown): boolean {
  return error instanceof EndpointFailure && error.code === 'DATA_PATH_LOST';
}

function cut(text: string): string {
  return text.slice(0, MAX_DETAIL_CHARACTERS);
}

/** How long the path had been silent when it was found to be lost, in milliseconds. */
export function silenceOf(error: unknown): number {
  return error instanceof EndpointFailure ? Math.round(error.silentMs) : 0;
}
