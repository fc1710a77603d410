import { BlockSet } from '../round/block-set.js';
import type { UsedMap } from '../used-blocks/used-map.js';
import { differenceOf, packExtents, type PackedExtents } from './used-difference.js';

const SECTOR_BYTES = 512;
/**
 * What may have changed on one disk since rounds last read it, in blocks of 64 KiB.
 *
 * A block that is not in the set, and not taken, holds what it held when a round last read it or found it free, and the
 * same of its bytes are used. So the digest that the target's table has of it is the digest of its canonical content
 * now. Whatever may break this puts the block into the set: a write, a change of its use, and a round that took the
 * block and did not come to an end with it.
 */
export class DiskChanges {
  private readonly changed: BlockSet;
  /** What the round under way reads; not in `changed`, unless it was written again. */
  private taken: BlockSet | null = null;
  /** By the map of the round that took last. */
  private used: PackedExtents = packExtents([]);
  private useChanged = false;
  private completed = false;
  /** Blocks of which a discard has begun, ever. */
  private readonly discarded: BlockSet;
  private hasDiscardEnded = false;

  /** Nothing is known of any block yet: all are in the set. */
  constructor(private readonly diskBytes: number) {
    this.changed = new BlockSet(diskBytes);
    this.changed.addAll();
    this.discarded = new BlockSet(diskBytes);
  }

  /** A round came to its end since: from then on, not every block is in the set only because nothing is known. */
  get isComplete(): boolean {
    return this.completed;
  }

  /** Bytes of the blocks that the next round has to read. */
  get changedBytes(): number {
    return this.changed.totalBytes;
  }

  /** Sectors have 512 bytes. */
  record(sector: number, sectors: number): void {
    this.add(this.changed, sector * SECTOR_BYTES, sectors * SECTOR_BYTES);
  }

  /** A discard of these sectors has begun. It may take effect at any moment until it ends. */
  recordDiscardBegun(sector: number, sectors: number): void {
    this.record(sector, sectors);
    this.add(this.discarded, sector * SECTOR_BYTES, sectors * SECTOR_BYTES);
  }

  /**
   * A discard has ended. The block layer joins discards of several places into one request, whose event names the first
   * place and the sum of their lengths. So it may have been any of those that have begun.
   */
  recordDiscard(sector: number, sectors: number): void {
    this.record(sector, sectors);
    this.hasDiscardEnded = true;
  }

  /**
   * An attempt of a round begins: gives the blocks that it has to read, by the used map that it works with.
   *
   * @param done what earlier attempts of the round have done, and this one will not read. What was written of it since
   *   stays in the set for the next round.
   */
  take(used: UsedMap, done: BlockSet): BlockSet {
    if (used.diskBytes !== this.diskBytes) throw new RangeError('used map of another disk size');
    this.giveBack(new BlockSet(this.diskBytes));
    const now = packExtents(used.extents);
    this.useChanged = false;
    for (const { offsetBytes, lengthBytes } of differenceOf(this.used, now)) {
      this.useChanged = true;
      this.add(this.changed, offsetBytes, lengthBytes);
    }
    if (this.hasDiscardEnded) this.changed.addFrom(this.discarded);
    this.hasDiscardEnded = false;
    this.used = now;
    const taken = new BlockSet(this.diskBytes);
    taken.addFrom(this.changed, done);
    this.changed.removeFrom(taken);
    this.taken = taken;
    return taken;
  }

  /**
   * Whether what was taken matters to the target: a used block was written since, or other bytes are used. What was
   * written where nothing is used, such as to a swap area, does not.
   */
  get takenMatters(): boolean {
    return this.useChanged || (this.taken !== null && this.holdsUsed(this.taken));
  }

  /** Whether a block was written since the last take that is used by its map. */
  get usedWasWritten(): boolean {
    return this.holdsUsed(this.changed);
  }

  /** The attempt has ended. Blocks that are not done return to the set: the target does not durably hold them. */
  giveBack(done: BlockSet): void {
    if (this.taken === null) return;
    this.changed.addFrom(this.taken, done);
    this.taken = null;
  }

  /** The round has come to its end, with all blocks done. */
  complete(): void {
    this.taken = null;
    this.completed = true;
  }

  private holdsUsed(blocks: BlockSet): boolean {
    for (let place = 0; place < this.used.length; place += 2) {
      const offsetBytes = this.used[place] ?? 0;
      const lengthBytes = (this.used[place + 1] ?? 0) - offsetBytes;
      if (!isOver(blocks.indices({ offsetBytes, lengthBytes }))) return true;
    }
    return false;
  }

  /** Edges beyond the disk's end are cut off: a device may be longer than the disk that was agreed on. */
  private add(set: BlockSet, offsetBytes: number, lengthBytes: number): void {
    const end = Math.min(offsetBytes + lengthBytes, this.diskBytes);
    if (offsetBytes < end) set.addRange({ offsetBytes, lengthBytes: end - offsetBytes });
  }
}

function isOver(blocks: Generator<number>): boolean {
  return blocks.next().done === true;
}
