import { DIGEST_BLOCK_BYTES } from '#libs/block-transfer';
import { MAX_REPAIRED_RANGES, type ByteRange, type RepairedBlocks } from '#libs/contracts';

/** @param all of whole blocks, merged and in order; there may be millions */
export function repairedBlocksOf(all: Iterable<ByteRange>): RepairedBlocks {
  const ranges: ByteRange[] = [];
  let blockCount = 0;
  let rangesLeftOut = 0;
  for (const range of all) {
    // The disk's last block may be shorter.
    blockCount += Math.ceil(range.lengthBytes / DIGEST_BLOCK_BYTES);
    if (ranges.length < MAX_REPAIRED_RANGES) ranges.push(range);
    else rangesLeftOut += 1;
  }
  return { blockCount, ranges, ...(rangesLeftOut === 0 ? {} : { rangesLeftOut }) };
}
