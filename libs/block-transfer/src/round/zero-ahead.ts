import type { ByteRange } from '#libs/contracts';
import { endOf } from '../extents/byte-extents.js';

/**
 * What a round makes zero without looking, in order: sent somewhat ahead of its sweep, so that by the time a block is
 * done with, what is not sent of it is zero already, and nobody has waited for that.
 */
export class ZeroAhead {
  private readonly ranges: Iterator<ByteRange>;
  private next: ByteRange | null = null;
  private readonly underWay = new Map<ByteRange, Promise<void>>();

  /** @param ranges in order, none overlapping another */
  constructor(ranges: Iterable<ByteRange>) {
    this.ranges = ranges[Symbol.iterator]();
    this.advance();
  }

  /** The next range, if it begins before this place. */
  takeBefore(offsetBytes: number): ByteRange | null {
    const { next } = this;
    if (next === null || next.offsetBytes >= offsetBytes) return null;
    this.advance();
    return next;
  }

  /** A range that was taken is on its way to the target. @returns to be called when that came to its end, well or not */
  begun(range: ByteRange): () => void {
    let resolve: () => void = () => undefined;
    this.underWay.set(range, new Promise<void>((settle) => (resolve = settle)));
    return () => {
      this.underWay.delete(range);
      resolve();
    };
  }

  /** Resolves when all that had begun by now and lies in this range, if only in part, came to its end. */
  async ended({ offsetBytes, lengthBytes }: ByteRange): Promise<void> {
    if (this.underWay.size === 0) return;
    const end = offsetBytes + lengthBytes;
    const inside = [...this.underWay].filter(([range]) => range.offsetBytes < end && endOf(range) > offsetBytes);
    await Promise.all(inside.map(([, ended]) => ended));
  }

  private advance(): void {
    const result = this.ranges.next();
    this.next = result.done === true ? null : result.value;
  }
}
