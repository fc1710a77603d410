import { DIGEST_BLOCK_BYTES } from '#libs/block-transfer';
import { MAX_REPAIRED_RANGES, type ByteRange, type RepairedBlocks } from '#libs/contracts';

/** @param ranges of whole blocks, merged and in order */
export function repairedBlocksOf(ranges: readonly ByteRange[]): RepairedBlocks {
  const rangesLeftOut = Math.max(0, ranges.length - MAX_REPAIRED_RANGES);
  return {
    // The disk's last block may be shorter.
    blockCount: ranges.reduce((sum, { lengthBytes }) => sum + Math.ceil(lengthBytes / DIGEST_BLOCK_BYTES), 0),
    ranges: ranges.slice(0, MAX_REPAIRED_RANGES),
    ...(rangesLeftOut === 0 ? {} : { rangesLeftOut }),
  };
}
