import type { ByteRange } from '#libs/contracts';

/**
 * Arithmetic of byte extents. A *list* is sorted by offset, disjoint, without empty members, and neighbours that
 * touch are one extent; every function but {@link mergeExtents} expects lists and returns lists.
 */
export type ExtentList = readonly ByteRange[];

/** The first byte behind a range. */
export function endOf(range: ByteRange): number {
  return range.offsetBytes + range.lengthBytes;
}

export function totalBytes(extents: Iterable<ByteRange>): number {
  let total = 0;
  for (const extent of extents) total += extent.lengthBytes;
  return total;
}

/**
 * Any ranges, in any order, overlapping or not, as a list. Those that stay as they are, are not copied: lists are long.
 * Throws `RangeError` on anything but safe, natural numbers.
 */
export function mergeExtents(ranges: Iterable<ByteRange>): ByteRange[] {
  const sorted: ByteRange[] = [];
  for (const range of ranges) {
    assertRange(range);
    if (range.lengthBytes > 0) sorted.push(range);
  }
  sorted.sort((a, b) => a.offsetBytes - b.offsetBytes);
  const merged: ByteRange[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && range.offsetBytes <= endOf(last)) {
      const end = Math.max(endOf(last), endOf(range));
      merged[merged.length - 1] = { offsetBytes: last.offsetBytes, lengthBytes: end - last.offsetBytes };
    } else {
      merged.push(range);
    }
  }
  return merged;
}

/** What a disk of `diskBytes` holds beside the list. */
export function invertExtents(extents: ExtentList, diskBytes: number): ByteRange[] {
  const gaps: ByteRange[] = [];
  let cursor = 0;
  for (const extent of extents) {
    if (extent.offsetBytes >= diskBytes) break;
    if (extent.offsetBytes > cursor) gaps.push({ offsetBytes: cursor, lengthBytes: extent.offsetBytes - cursor });
    cursor = endOf(extent);
  }
  if (cursor < diskBytes) gaps.push({ offsetBytes: cursor, lengthBytes: diskBytes - cursor });
  return gaps;
}

/** The list grown so that every edge is a multiple of `alignmentBytes`, but never beyond the disk's end. One by one. */
export function* growToAlignment(
  extents: ExtentList,
  alignmentBytes: number,
  diskBytes: number,
): Generator<ByteRange, undefined> {
  let last: ByteRange | null = null;
  for (const extent of extents) {
    const start = Math.floor(extent.offsetBytes / alignmentBytes) * alignmentBytes;
    const end = Math.min(Math.ceil(endOf(extent) / alignmentBytes) * alignmentBytes, diskBytes);
    if (last !== null && start <= endOf(last)) {
      last = { offsetBytes: last.offsetBytes, lengthBytes: end - last.offsetBytes };
    } else {
      if (last !== null) yield last;
      last = { offsetBytes: start, lengthBytes: end - start };
    }
  }
  if (last !== null) yield last;
}

/** The part of a list that lies inside `window`. Binary search for its beginning: a list may have a million members. */
export function clipExtents(extents: ExtentList, window: ByteRange): ByteRange[] {
  const windowEnd = endOf(window);
  const clipped: ByteRange[] = [];
  for (let index = firstEndingAfter(extents, window.offsetBytes); index < extents.length; index += 1) {
    const extent = extents[index];
    if (extent === undefined || extent.offsetBytes >= windowEnd) break;
    const start = Math.max(extent.offsetBytes, window.offsetBytes);
    clipped.push({ offsetBytes: start, lengthBytes: Math.min(endOf(extent), windowEnd) - start });
  }
  return clipped;
}

/** The list in pieces of at most `maxBytes` each; pieces may touch, so the result is not a list again. */
export function* splitExtents(extents: Iterable<ByteRange>, maxBytes: number): Generator<ByteRange> {
  if (!Number.isSafeInteger(maxBytes) || maxBytes <= 0) throw new RangeError(`maxBytes must be positive: ${maxBytes}`);
  for (const extent of extents) {
    for (let done = 0; done < extent.lengthBytes; done += maxBytes) {
      yield { offsetBytes: extent.offsetBytes + done, lengthBytes: Math.min(maxBytes, extent.lengthBytes - done) };
    }
  }
}

/** Index of the first extent with a byte at or behind `offset`; the list's length when there is none. */
function firstEndingAfter(extents: ExtentList, offset: number): number {
  let low = 0;
  let high = extents.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const extent = extents[middle];
    if (extent !== undefined && endOf(extent) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function assertRange(range: ByteRange): void {
  const valid =
    Number.isSafeInteger(range.offsetBytes) &&
    Number.isSafeInteger(range.lengthBytes) &&
    range.offsetBytes >= 0 &&
    range.lengthBytes >= 0 &&
    Number.isSafeInteger(endOf(range));
  if (!valid) throw new RangeError(`not a byte range: offset ${range.offsetBytes}, length ${range.lengthBytes}`);
}
