import type { ByteRange, DigestAlgorithm } from '#libs/contracts';
import { DIGEST_BLOCK_BYTES, digestOfBlock, isZeroBlock, zeroBlockDigest } from '../digests/block-digest.js';
import type { DigestTable } from '../digests/digest-table.js';
import { mergeExtents } from '../extents/byte-extents.js';

export interface BlockDigest {
  readonly index: number;
  readonly digest: Uint8Array;
}

/** What is to be done about the blocks of one step, in whole blocks. */
export interface Decision {
  /** Blocks that the target holds already. */
  readonly unchanged: BlockDigest[];
  /** Blocks to send, and the ranges they make up. */
  readonly changed: BlockDigest[];
  readonly send: ByteRange[];
  /** Ranges to make zero. */
  readonly zero: ByteRange[];
}

/**
 * Compares canonical content with what the target is known to hold.
 *
 * @param content whole blocks from `offsetBytes` on (the disk's last one may be shorter)
 * @param baseline digests of the target, by that algorithm; null: nothing is known, every block differs
 */
export function decideBlocks(
  content: Uint8Array,
  offsetBytes: number,
  baseline: DigestTable | null,
  algorithm: DigestAlgorithm,
): Decision {
  const decision = { unchanged: [] as BlockDigest[], changed: [] as BlockDigest[] };
  const send: ByteRange[] = [];
  const zero: ByteRange[] = [];
  for (let start = 0; start < content.length; start += DIGEST_BLOCK_BYTES) {
    const block = content.subarray(start, start + DIGEST_BLOCK_BYTES);
    const index = (offsetBytes + start) / DIGEST_BLOCK_BYTES;
    const digest = digestOfBlock(block, algorithm);
    const range = { offsetBytes: offsetBytes + start, lengthBytes: block.length };
    if (baseline?.matches(index, digest) === true) decision.unchanged.push({ index, digest });
    else if (isZeroBlock(block)) zero.push(range);
    else {
      decision.changed.push({ index, digest });
      send.push(range);
    }
  }
  return { ...decision, send: mergeExtents(send), zero: mergeExtents(zero) };
}

/** The same for blocks without used bytes: nothing is read, they are to be zero. Gives the ranges that are not yet. */
export function freeBlocksToZero(range: ByteRange, baseline: DigestTable): ByteRange[] {
  const zero: ByteRange[] = [];
  let open: { offsetBytes: number; lengthBytes: number } | null = null;
  for (let done = 0; done < range.lengthBytes; done += DIGEST_BLOCK_BYTES) {
    const lengthBytes = Math.min(DIGEST_BLOCK_BYTES, range.lengthBytes - done);
    const offsetBytes = range.offsetBytes + done;
    if (baseline.matches(offsetBytes / DIGEST_BLOCK_BYTES, zeroBlockDigest(lengthBytes, baseline.algorithm)))
      open = null;
    else if (open !== null) open.lengthBytes += lengthBytes;
    else zero.push((open = { offsetBytes, lengthBytes }));
  }
  return zero;
}
