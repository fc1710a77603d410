import { DIGEST_BLOCK_BYTES } from '#libs/block-transfer';
import { MAX_REPAIRED_RANGES, repairedBlocks } from '#libs/contracts';
import { describe, expect, it } from 'vitest';
import { repairedBlocksOf } from './repaired-blocks.decision.js';

const range = (block: number, blocks = 1) => ({
  offsetBytes: block * DIGEST_BLOCK_BYTES,
  lengthBytes: blocks * DIGEST_BLOCK_BYTES,
});

describe('repairedBlocksOf', () => {
  it('counts blocks, the short one at the end of a disk too', () => {
    const ranges = [range(1), range(3, 2), { ...range(9), lengthBytes: 512 }];
    expect(repairedBlocksOf(ranges)).toEqual({ blockCount: 4, ranges });
    expect(repairedBlocksOf([])).toEqual({ blockCount: 0, ranges: [] });
  });

  it('names as many ranges as a record may, and counts all', () => {
    const ranges = Array.from({ length: MAX_REPAIRED_RANGES + 5 }, (_, index) => range(2 * index));
    const found = repairedBlocksOf(ranges);
    expect(found).toEqual({
      blockCount: MAX_REPAIRED_RANGES + 5,
      ranges: ranges.slice(0, MAX_REPAIRED_RANGES),
      rangesLeftOut: 5,
    });
    expect(repairedBlocks.parse(found)).toEqual(found);
    expect(repairedBlocksOf(ranges.slice(0, MAX_REPAIRED_RANGES))).not.toHaveProperty('rangesLeftOut');
  });
});
