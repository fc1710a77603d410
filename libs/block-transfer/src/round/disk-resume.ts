import type { ByteRange } from '#libs/contracts';
import type { DigestTable } from '../digests/digest-table.js';
import { EventLoopTurns } from '../digests/event-loop-turns.js';
import { clipExtents, invertExtents, mergeExtents, type ExtentList } from '../extents/byte-extents.js';
import type { Batch } from './acknowledgement-book.js';
import { BlockSet } from './block-set.js';

/** So many blocks are looked up in a fraction of a millisecond. */
const BLOCKS_PER_LOOK = 1024;

/** Sums over all attempts of a round. */
export interface RoundTotals {
  readBytes: number;
  sentBytes: number;
  zeroedBytes: number;
  durationMs: number;
}

/**
 * What the attempts of one round have done on one disk. A caller makes one per disk and round, hands it to each attempt,
 * and reads {@link doneBytes}; everything else is the attempt's own business.
 *
 * A block is **done** when the target durably holds what this round read of it (or found it free): its write was
 * answered and a FLUSH sent afterwards succeeded, or its content was equal to what the target was known to hold.
 * Done blocks are neither read nor sent again. All others may hold anything: a write whose FLUSH was never answered may
 * have landed, or not, or in part.
 *
 * A round that begins with nothing known zeroes the target wherever it will not send, and sends partly used
 * blocks in parts. What was made zero then and where nothing was sent since is kept too ({@link zeroBefore}), so a
 * later attempt need not zero it again, and may go on sending in parts whatever the used map says by then.
 */
export class DiskResume {
  /** @internal */
  readonly totals: RoundTotals = { readBytes: 0, sentBytes: 0, zeroedBytes: 0, durationMs: 0 };
  private readonly done: BlockSet;
  /** Durably made zero ahead of a sweep, and nothing was sent to it since. */
  private zeroed: ByteRange[] = [];
  /** Blocks that a zeroing was sent to since, as a whole, and is not durable yet: they may hold anything again. */
  private readonly zeroedAgain: BlockSet;
  private begun = false;
  private again = false;

  constructor(readonly diskBytes: number) {
    this.done = new BlockSet(diskBytes);
    this.zeroedAgain = new BlockSet(diskBytes);
  }

  /**
   * No block is done any more: the next attempt reads again whatever may differ, and sends what the target does not
   * hold yet. Bytes go on being counted.
   */
  readAgain(): void {
    this.done.clear();
    this.again = this.begun;
  }

  /** Bytes of all blocks that are done; the whole disk when the round is complete. */
  get doneBytes(): number {
    return this.done.totalBytes;
  }

  /**
   * An attempt begins. Gives what it compares with: the caller's baseline the first time. Later `digests`, which were
   * made from it and have been kept true since, while the baseline may list what this round has overwritten. Null:
   * nothing is known, and partly used blocks are sent in parts.
   *
   * @internal
   */
  begin(baseline: DigestTable | null, digests: DigestTable): DigestTable | null {
    const first = !this.begun;
    this.begun = true;
    if (first) return baseline;
    const compares = baseline !== null || this.again;
    return compares ? digests : null;
  }

  /**
   * A caller who lost the table between two attempts has it all sent again, instead of a table with gaps at the end.
   * Gives way to everything else meanwhile.
   *
   * @internal
   */
  async keepKnown(digests: DigestTable): Promise<void> {
    const turns = new EventLoopTurns();
    let looked = 0;
    for (const index of this.done.indices()) {
      if (!digests.isKnown(index)) this.done.remove(index);
      looked += 1;
      if (looked % BLOCKS_PER_LOOK === 0) await turns.giveWay();
    }
  }

  /** @internal */
  isDone(index: number): boolean {
    return this.done.has(index);
  }

  /** The blocks that are done; goes on changing. @internal */
  get doneBlocks(): BlockSet {
    return this.done;
  }

  /** The blocks of a range that are not done. @internal */
  leftOf(range: ByteRange): ByteRange[] {
    return this.done.missingIn(range);
  }

  /** Blocks that hold what they shall, as was known before. @internal */
  foundEqual(index: number): void {
    this.done.add(index);
  }

  /** What a FLUSH made durable. @internal */
  madeDurable(batch: Batch): void {
    for (const { index } of batch.digests) this.done.add(index);
    for (const range of batch.zeroed) {
      this.done.addRange(range);
      this.zeroedAgain.removeRange(range);
    }
    for (const range of batch.prepared) this.zeroed.push(range);
  }

  /**
   * What has to be zeroed beside a sweep that sends no more than `sendable` of the blocks that are not done: afterwards
   * these blocks are zero everywhere else. Proof: a byte outside is zeroed now, or was zeroed by an earlier attempt and
   * has been outside of everything that was sent since, because what an attempt sends is taken off here, before it is.
   *
   * @internal
   */
  zeroBefore(sendable: ExtentList): ByteRange[] {
    const { diskBytes } = this;
    const certain = invertExtents(this.zeroedAgain.extents(), diskBytes);
    const zeroed = mergeExtents(this.zeroed).flatMap((range) => clipExtents(certain, range));
    this.zeroedAgain.clear();
    const rest = invertExtents(mergeExtents([...sendable, ...this.done.extents(), ...zeroed]), diskBytes);
    this.zeroed = invertExtents(mergeExtents([...invertExtents(zeroed, diskBytes), ...sendable]), diskBytes);
    return rest;
  }

  /** A zeroing of whole blocks is about to be sent. @internal */
  zeroing(range: ByteRange): void {
    this.zeroedAgain.addRange(range);
  }

  /** Blocks will be sent as a whole, with bytes that had been zeroed. @internal */
  nothingIsZeroed(): void {
    this.zeroed = [];
    this.zeroedAgain.clear();
  }
}
