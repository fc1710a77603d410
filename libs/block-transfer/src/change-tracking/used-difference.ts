import type { ByteRange } from '#libs/contracts';
import { endOf, type ExtentList } from '../extents/byte-extents.js';

/** Two numbers per extent, offset and end: a tenth of the memory that as many objects take. */
export type PackedExtents = Float64Array;

export function packExtents(extents: ExtentList): PackedExtents {
  const packed = new Float64Array(extents.length * 2);
  for (const [index, extent] of extents.entries()) {
    packed[index * 2] = extent.offsetBytes;
    packed[index * 2 + 1] = endOf(extent);
  }
  return packed;
}

/**
 * The bytes that one list has and the other has not. A walk over the edges of both: between two edges a byte is in
 * neither, in one, or in both.
 */
export function* differenceOf(before: PackedExtents, after: PackedExtents): Generator<ByteRange> {
  const old = edgesOf(before);
  const now = edgesOf(after);
  let [edgeBefore, edgeAfter] = [old.next(), now.next()];
  let isIn = { before: false, after: false };
  let from = 0;
  while (edgeBefore.done !== true || edgeAfter.done !== true) {
    const edge = Math.min(edgeBefore.value ?? Number.POSITIVE_INFINITY, edgeAfter.value ?? Number.POSITIVE_INFINITY);
    if (isIn.before !== isIn.after && edge > from) yield { offsetBytes: from, lengthBytes: edge - from };
    from = edge;
    const crosses = { before: edgeBefore.value === edge, after: edgeAfter.value === edge };
    isIn = { before: isIn.before !== crosses.before, after: isIn.after !== crosses.after };
    if (crosses.before) edgeBefore = old.next();
    if (crosses.after) edgeAfter = now.next();
  }
}

function* edgesOf(packed: PackedExtents): Generator<number, undefined> {
  for (const edge of packed) yield edge;
  return undefined;
}
