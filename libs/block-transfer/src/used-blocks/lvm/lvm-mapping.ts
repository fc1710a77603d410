import type { ByteRange } from '#libs/contracts';
import { endOf } from '../../extents/byte-extents.js';
import type { LvmLogicalVolume, LvmSegment } from './lvm-volume-group.js';

/**
 * Where ranges of a logical volume are on one physical volume, counted from that one's beginning. Parts that are on
 * other physical volumes are left out.
 */
export function* onPhysicalVolume(
  ranges: Iterable<ByteRange>,
  volume: LvmLogicalVolume,
  physicalVolume: string,
): Generator<ByteRange> {
  for (const range of ranges) {
    for (const segment of volume.segments) yield* inSegment(range, segment, physicalVolume);
  }
}

function inSegment(range: ByteRange, segment: LvmSegment, physicalVolume: string): ByteRange[] {
  const from = Math.max(range.offsetBytes, segment.startBytes) - segment.startBytes;
  const to = Math.min(endOf(range), segment.startBytes + segment.lengthBytes) - segment.startBytes;
  if (from >= to) return [];
  return segment.stripes.flatMap((stripe, index) => {
    if (stripe.physicalVolume !== physicalVolume) return [];
    // What a stripe has of a range of the volume is one range: the turns follow each other on the stripe.
    const start = bytesBefore(from, index, segment);
    const lengthBytes = bytesBefore(to, index, segment) - start;
    return lengthBytes === 0 ? [] : [{ offsetBytes: stripe.startBytes + start, lengthBytes }];
  });
}

/** How many of the segment's first `bytes` are on one of its stripes. */
function bytesBefore(bytes: number, stripe: number, { stripes, stripeBytes }: LvmSegment): number {
  const turnBytes = stripeBytes * stripes.length;
  const inTurn = (bytes % turnBytes) - stripe * stripeBytes;
  return Math.floor(bytes / turnBytes) * stripeBytes + Math.min(Math.max(inTurn, 0), stripeBytes);
}

/** The ranges of physical volumes that hold a range of the logical volume, in its order. */
export function* piecesOf(
  range: ByteRange,
  volume: LvmLogicalVolume,
): Generator<{ readonly physicalVolume: string; readonly range: ByteRange }> {
  for (const { startBytes, lengthBytes, stripes, stripeBytes } of volume.segments) {
    let from = Math.max(range.offsetBytes, startBytes) - startBytes;
    const to = Math.min(endOf(range), startBytes + lengthBytes) - startBytes;
    while (from < to) {
      const turn = Math.floor(from / stripeBytes);
      const stripe = stripes[turn % stripes.length];
      if (stripe === undefined) return;
      const inStripe = from % stripeBytes;
      const length = Math.min(stripeBytes - inStripe, to - from);
      const offsetBytes = stripe.startBytes + Math.floor(turn / stripes.length) * stripeBytes + inStripe;
      yield { physicalVolume: stripe.physicalVolume, range: { offsetBytes, lengthBytes: length } };
      from += length;
    }
  }
}
