import type { ByteRange } from '#libs/contracts';
import type { DigestTable } from '../digests/digest-table.js';
import { zeroBlockDigest } from '../digests/block-digest.js';
import { mergeExtents } from '../extents/byte-extents.js';
import { blockSpan } from './block-plan.js';
import type { BlockDigest } from './block-decisions.js';

/** So many payload bytes may be answered and not yet flushed. */
export const FLUSH_EVERY_BYTES = 64 * 1024 * 1024;
/** So many ranges may be: it bounds the memory for them, and the size of one report. */
const FLUSH_EVERY_RANGES = 4096;

/** What the target answered since the last FLUSH was sent. */
export interface Batch {
  readonly ranges: ByteRange[];
  readonly zeroed: ByteRange[];
  readonly digests: BlockDigest[];
  readonly payloadBytes: number;
}

/**
 * Keeps apart what the target *answered* and what is *durable* there: a FLUSH covers only writes that were answered
 * before it was sent. {@link take} a batch, flush, then {@link commitBatch} that batch and nothing newer.
 */
export class AcknowledgementBook {
  private ranges: ByteRange[] = [];
  private zeroed: ByteRange[] = [];
  private digests: BlockDigest[] = [];
  private payloadBytes = 0;

  /** Blocks whose writes have all been answered. */
  written(ranges: readonly ByteRange[], digests: readonly BlockDigest[], payloadBytes: number): void {
    this.ranges.push(...ranges);
    this.digests.push(...digests);
    this.payloadBytes += payloadBytes;
  }

  /** Whole blocks that the target made zero, at the cost of this much payload. */
  madeZero(range: ByteRange, payloadBytes: number): void {
    this.payloadBytes += payloadBytes;
    this.ranges.push(range);
    this.zeroed.push(range);
  }

  /** True when a FLUSH is due, or, with a factor, that many times overdue. */
  isDue(factor = 1): boolean {
    return this.payloadBytes >= factor * FLUSH_EVERY_BYTES || this.ranges.length >= factor * FLUSH_EVERY_RANGES;
  }

  take(): Batch {
    const batch = {
      ranges: mergeExtents(this.ranges),
      zeroed: this.zeroed,
      digests: this.digests,
      payloadBytes: this.payloadBytes,
    };
    this.ranges = [];
    this.zeroed = [];
    this.digests = [];
    this.payloadBytes = 0;
    return batch;
  }
}

/** Enters a durable batch into the table. */
export function commitBatch(batch: Batch, digests: DigestTable): void {
  for (const { index, digest } of batch.digests) digests.set(index, digest);
  for (const range of batch.zeroed) {
    const { first, end } = blockSpan(range);
    for (let index = first; index < end; index += 1) digests.set(index, zeroBlockDigest(digests.blockBytes(index)));
  }
}
