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

/** Of one group, over which the target's digests are compared; the product's has more. */
export const GROUP_BLOCKS = 4;

/** One for each group of blocks. They tell where two tables may differ, as the product's do. */
export const groupDigestsOf = (contents: Contents): Contents =>
  Int32Array.from({ length: Math.ceil(contents.length / GROUP_BLOCKS) }, (_, group) =>
    Number.parseInt(rootDigestOf(contents.subarray(group * GROUP_BLOCKS, (group + 1) * GROUP_BLOCKS)).slice(0, 7), 16),
  );
