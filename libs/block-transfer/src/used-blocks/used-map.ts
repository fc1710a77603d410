import type { ByteRange } from '#libs/contracts';
import { endOf, invertExtents, mergeExtents, totalBytes } from '../extents/byte-extents.js';

/** Which bytes of a disk count. Whatever is outside shall be zero on the target. */
export interface UsedMap {
  readonly diskBytes: number;
  readonly usedBytes: number;
  /** Sorted, disjoint, merged. */
  readonly extents: readonly ByteRange[];
}

/** The map of a disk of which only `free` is known not to matter: everything that nobody calls free is used. */
export function usedMapFromFree(diskBytes: number, free: Iterable<ByteRange>): UsedMap {
  const extents = invertExtents(mergeExtents(free), diskBytes);
  return { diskBytes, usedBytes: totalBytes(extents), extents };
}

/** A map of these extents. Throws `RangeError` when one reaches beyond the disk. */
export function usedMapOf(diskBytes: number, used: Iterable<ByteRange>): UsedMap {
  const extents = mergeExtents(used);
  const last = extents.at(-1);
  if (last !== undefined && endOf(last) > diskBytes) {
    throw new RangeError(`used bytes up to ${endOf(last)} on a disk of ${diskBytes}`);
  }
  return { diskBytes, usedBytes: totalBytes(extents), extents };
}
