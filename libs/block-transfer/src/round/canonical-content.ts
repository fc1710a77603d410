import type { ByteRange } from '#libs/contracts';
import { clipExtents, endOf, type ExtentList } from '../extents/byte-extents.js';

/**
 * Turns what was read of the source into what the target shall hold: bytes that no file system uses become zeros.
 * Otherwise leftovers of deleted files would be digested on one side and absent on the other.
 *
 * @param content bytes of the disk from `offsetBytes` on; changed in place
 */
export function zeroFreeBytes(content: Uint8Array, offsetBytes: number, used: ExtentList): void {
  let cursor = 0;
  for (const extent of clipExtents(used, { offsetBytes, lengthBytes: content.length })) {
    content.fill(0, cursor, extent.offsetBytes - offsetBytes);
    cursor = endOf(extent) - offsetBytes;
  }
  content.fill(0, cursor);
}

/** The bytes of `range` inside `content`, which holds the disk from `offsetBytes` on. A view. */
export function viewOf(content: Uint8Array, offsetBytes: number, range: ByteRange): Uint8Array {
  return content.subarray(range.offsetBytes - offsetBytes, endOf(range) - offsetBytes);
}
