import { createHash } from 'node:crypto';

/**
 * What a block holds. Nothing is ever written twice in a run, so two blocks hold the same bytes exactly when they have
 * the same number; and a number is its own digest.
 */
export type Content = number;
export const ZEROS: Content = 0;
/** In a digest table: nobody knows what the target's block holds. */
export const UNKNOWN: Content = -1;

/** Of one block, as the contracts count disks. */
export const BLOCK_BYTES = 64 * 1024;

/** The contents of one disk, block by block. */
export type Contents = Int32Array;

/** Stands for a whole disk, as a digest tree's root. */
export const rootDigestOf = (contents: Contents): string =>
  createHash('sha256')
    .update(new Uint8Array(contents.buffer, contents.byteOffset, contents.byteLength))
    .digest('hex');
