import type { ByteRange } from '#libs/contracts';
import { mergeExtents } from '../extents/byte-extents.js';

/** So many ranges are gathered before they become requests; a sweep finds zeros in pieces of 2 MiB and less. */
const BATCH_RANGES = 256;

/** Gathers ranges to be zeroed, so that neighbours leave as one request. */
export class ZeroBatch {
  private ranges: ByteRange[] = [];

  /** Returns the merged batch when it is full, else nothing. */
  add(ranges: readonly ByteRange[]): ByteRange[] {
    for (const range of ranges) this.ranges.push(range);
    return this.ranges.length >= BATCH_RANGES ? this.take() : [];
  }

  take(): ByteRange[] {
    const merged = mergeExtents(this.ranges);
    this.ranges = [];
    return merged;
  }
}
