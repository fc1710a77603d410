import { mergeExtents, totalBytes } from '#libs/block-transfer';
import type { ByteRange, ReplyOf, transferCalls } from '#libs/contracts';
import type { RangesAcknowledged } from './acknowledged-ranges.js';

type AcknowledgedDisk = ReplyOf<typeof transferCalls.readAcknowledgedRanges>['disks'][number];

/** About 60 bytes each: an answer stays below the 1 MiB that NATS carries. */
const MAX_RANGES_PER_ANSWER = 12_000;
/** A long history is joined on the way, so that it takes no more memory than it has ranges. */
const JOIN_AFTER_RANGES = 100_000;

/**
 * What a target holds durably by its acknowledgements: the ranges of each disk, sorted, those that touch or overlap
 * joined. A byte that was sent twice counts once.
 * @param roundId the one round that counts; null: all
 */
export const joinAcknowledged = (
  history: Iterable<RangesAcknowledged['data']>,
  roundId: string | null,
): AcknowledgedDisk[] => {
  const disks = new Map<string, Gathered>();
  for (const { roundId: ofRound, diskId, ranges } of history) {
    if (roundId !== null && ofRound !== roundId) continue;
    const gathered = disks.get(diskId) ?? new Gathered();
    disks.set(diskId, gathered);
    gathered.add(ranges);
  }
  const rangesPerDisk = Math.floor(MAX_RANGES_PER_ANSWER / Math.max(disks.size, 1));
  return [...disks].map(([diskId, gathered]) => {
    const joined = gathered.joined();
    const ranges = joined.slice(0, rangesPerDisk);
    const rangesLeftOut = joined.length - ranges.length;
    const left = rangesLeftOut > 0 ? { rangesLeftOut } : {};
    return { diskId, acknowledgedBytes: totalBytes(joined), ranges, ...left };
  });
};

class Gathered {
  #ranges: ByteRange[] = [];
  #joinedCount = 0;

  add(ranges: readonly ByteRange[]): void {
    for (const range of ranges) this.#ranges.push(range);
    if (this.#ranges.length > 2 * this.#joinedCount + JOIN_AFTER_RANGES) this.joined();
  }

  joined(): readonly ByteRange[] {
    this.#ranges = mergeExtents(this.#ranges);
    this.#joinedCount = this.#ranges.length;
    return this.#ranges;
  }
}
