import { believe } from '../map-doubt.js';
import { safeNumber } from '../safe-number.js';

/** Up to the first stripe, with it. */
export const BTRFS_CHUNK_MIN_BYTES = 80;
const STRIPES_OFFSET = 48;
const STRIPE_BYTES = 32;
/** Data, system, metadata. */
const CONTENT_BITS = 7n;
const DUPLICATE = 0x20n;

/** A range of logical addresses, and where it is: in one place, or with a duplicate on the same device. */
export interface BtrfsChunk {
  readonly start: bigint;
  readonly lengthBytes: number;
  readonly stripes: readonly { readonly deviceId: bigint; readonly startBytes: number }[];
}

/**
 * Reads a chunk item. Throws a `MapDoubt` for anything but one copy, or two on the same device.
 * @param start its first logical address, from the item's key
 */
export function parseBtrfsChunk(start: bigint, bytes: Buffer): { chunk: BtrfsChunk; lengthBytes: number } {
  believe(bytes.length >= BTRFS_CHUNK_MIN_BYTES, 'a chunk of btrfs ends in the middle');
  const profile = bytes.readBigUInt64LE(24) & ~CONTENT_BITS;
  believe(profile === 0n || profile === DUPLICATE, `btrfs spreads its data (profile 0x${profile.toString(16)})`);
  const count = bytes.readUInt16LE(44);
  believe(count === (profile === DUPLICATE ? 2 : 1), `a chunk of btrfs has ${count} stripes`);
  const lengthBytes = STRIPES_OFFSET + count * STRIPE_BYTES;
  believe(bytes.length >= lengthBytes, 'a chunk of btrfs ends in the middle');
  const stripes = Array.from({ length: count }, (_, index) => {
    const at = STRIPES_OFFSET + index * STRIPE_BYTES;
    return { deviceId: bytes.readBigUInt64LE(at), startBytes: safeNumber(bytes.readBigUInt64LE(at + 8)) };
  });
  return { chunk: { start, lengthBytes: safeNumber(bytes.readBigUInt64LE(0)), stripes }, lengthBytes };
}
