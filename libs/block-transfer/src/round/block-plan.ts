import type { ByteRange } from '#libs/contracts';
import { DIGEST_BLOCK_BYTES } from '../digests/block-digest.js';
import { clipExtents, endOf, growToAlignment, splitExtents, totalBytes } from '../extents/byte-extents.js';
import type { UsedMap } from '../used-blocks/used-map.js';

/**
 * Blocks are read and, where they are neighbours, sent in requests of this size. Each costs a quarter of a millisecond
 * besides its bytes; larger ones would keep the source's own reads waiting for longer.
 */
export const RUN_BYTES = 32 * DIGEST_BLOCK_BYTES;
/** Free stretches are only looked up in tables; this bounds how long one look keeps everything else waiting. */
const FREE_STRETCH_BYTES = 1024 * 1024 * 1024;
/** What is sent of a partly used block begins and ends on a multiple of this: the page of most storage. */
const SEND_ALIGNMENT_BYTES = 4096;

/** A piece of the sweep over a disk: whole blocks, either with used bytes in each of them, or in none. */
export interface SweepStep {
  readonly kind: 'compare' | 'free';
  readonly range: ByteRange;
}

/** The disk from its first block to its last, cut into steps. */
export function sweepSteps(used: UsedMap): Generator<SweepStep> {
  return stepsAlong(blocksOf(used), { offsetBytes: 0, lengthBytes: used.diskBytes });
}

/** The same of some ranges of whole blocks, in order. */
export function* sweepStepsWithin(used: UsedMap, ranges: Iterable<ByteRange>): Generator<SweepStep> {
  const extents = [...blocksOf(used)];
  for (const range of ranges) yield* stepsAlong(clipExtents(extents, range), range);
}

/** @param used whole blocks with used bytes, all of them inside of the range */
function* stepsAlong(used: Iterable<ByteRange>, range: ByteRange): Generator<SweepStep> {
  let cursor = range.offsetBytes;
  for (const extent of used) {
    yield* stepsOf('free', between(cursor, extent.offsetBytes), FREE_STRETCH_BYTES);
    yield* stepsOf('compare', extent, RUN_BYTES);
    cursor = endOf(extent);
  }
  yield* stepsOf('free', between(cursor, endOf(range)), FREE_STRETCH_BYTES);
}

function between(start: number, end: number): ByteRange {
  return { offsetBytes: start, lengthBytes: end - start };
}

/** Bytes of all blocks that have used bytes: what a sweep reads. */
export function bytesToCompare(used: UsedMap): number {
  return totalBytes(blocksOf(used));
}

/** What a full round sends of the used bytes, and, inverted, what it zeroes before: together the whole disk. */
export function sendableExtents(used: UsedMap): ByteRange[] {
  return [...growToAlignment(used.extents, SEND_ALIGNMENT_BYTES, used.diskBytes)];
}

/** Index of the first block of a range of whole blocks, and the one behind its last. */
export function blockSpan(range: ByteRange): { first: number; end: number } {
  return {
    first: Math.floor(range.offsetBytes / DIGEST_BLOCK_BYTES),
    end: Math.ceil(endOf(range) / DIGEST_BLOCK_BYTES),
  };
}

function blocksOf(used: UsedMap): Iterable<ByteRange> {
  return growToAlignment(used.extents, DIGEST_BLOCK_BYTES, used.diskBytes);
}

function* stepsOf(kind: SweepStep['kind'], range: ByteRange, maxBytes: number): Generator<SweepStep> {
  for (const piece of splitExtents([range], maxBytes)) yield { kind, range: piece };
}
