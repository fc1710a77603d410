import type { ByteRange } from '#libs/contracts';
import type { DigestTable } from '../digests/digest-table.js';
import { zeroBlockDigest } from '../digests/block-digest.js';
import { MAX_RUN_BLOCKS, type KnownBlocks } from '../digests/digest-journal.js';
import { EventLoopTurns } from '../digests/event-loop-turns.js';
import { mergeExtents } from '../extents/byte-extents.js';
import { blockSpan } from './block-plan.js';
import type { BlockDigest } from './block-decisions.js';

/** So many payload bytes are answered before a FLUSH is sent. */
export const FLUSH_EVERY_BYTES = 16 * 1024 * 1024;
/** Twice as many may be answered and not yet durable; then no further step begins until the FLUSH is answered. */
export const UNFLUSHED_LIMIT_BYTES = 2 * FLUSH_EVERY_BYTES;
/** So many ranges: it bounds the memory for them, and the size of one report. */
const FLUSH_EVERY_RANGES = 4096;
/** A FLUSH is sent this long after the one before it, however little there is: over a slow link bytes are dear. */
const FLUSH_EVERY_MS = 1000;

/** What the target answered since the last FLUSH was sent. */
export interface Batch {
  /** Whole blocks that hold what they shall. */
  readonly ranges: ByteRange[];
  /** Those of them that are zero. */
  readonly zeroed: ByteRange[];
  /** The digests of the others. */
  readonly digests: BlockDigest[];
  /** What was made zero ahead of the sweep, with any edges. */
  readonly prepared: ByteRange[];
  readonly payloadBytes: number;
}

/**
 * Keeps apart what the target *answered* and what is *durable* there: a FLUSH covers only writes that were answered
 * before it was sent. {@link take} a batch, flush, then {@link commitBatch} that batch and nothing newer.
 */
export class AcknowledgementBook {
  private open = emptyBatch();
  private flushing = { payloadBytes: 0, ranges: 0 };

  /** @param lastFlushMs on the clock that {@link isDue} is asked by */
  constructor(private lastFlushMs: number) {}

  /** Blocks whose writes have all been answered. */
  written(ranges: readonly ByteRange[], digests: readonly BlockDigest[], payloadBytes: number): void {
    this.open.ranges.push(...ranges);
    this.open.digests.push(...digests);
    this.open.payloadBytes += payloadBytes;
  }

  /** Whole blocks that the target made zero, at the cost of this much payload. */
  madeZero(range: ByteRange, payloadBytes: number): void {
    this.open.ranges.push(range);
    this.open.zeroed.push(range);
    this.open.payloadBytes += payloadBytes;
  }

  /** Bytes that the target made zero ahead of the sweep. */
  prepared(range: ByteRange, payloadBytes: number): void {
    this.open.prepared.push(range);
    this.open.payloadBytes += payloadBytes;
  }

  /** True when a FLUSH is due. */
  isDue(nowMs: number): boolean {
    const ranges = rangesOf(this.open);
    if (this.open.payloadBytes >= FLUSH_EVERY_BYTES || ranges >= FLUSH_EVERY_RANGES) return true;
    return ranges > 0 && nowMs - this.lastFlushMs >= FLUSH_EVERY_MS;
  }

  /** True when so much is not durable yet, by FLUSHes that are under way or not begun, that the sweep has to wait. */
  isFull(): boolean {
    return (
      this.open.payloadBytes + this.flushing.payloadBytes >= UNFLUSHED_LIMIT_BYTES ||
      rangesOf(this.open) + this.flushing.ranges >= 2 * FLUSH_EVERY_RANGES
    );
  }

  /** What the FLUSH that is sent next covers. */
  take(nowMs: number): Batch {
    const { open } = this;
    this.flushing = { payloadBytes: open.payloadBytes, ranges: rangesOf(open) };
    this.lastFlushMs = nowMs;
    this.open = emptyBatch();
    return { ...open, ranges: mergeExtents(open.ranges) };
  }

  /** That FLUSH has been answered. */
  flushed(): void {
    this.flushing = { payloadBytes: 0, ranges: 0 };
  }
}

/** The digests of a durable batch, for table and journal. Zeros come in runs: there may be terabytes of them. */
export function* knownBlocksOf(batch: Batch, table: DigestTable): Generator<KnownBlocks> {
  yield* batch.digests;
  for (const range of batch.zeroed) {
    const { first, end } = blockSpan(range);
    for (let index = first; index < end;) {
      const bytes = table.blockBytes(index);
      // The disk's last block may be shorter than the others, and has another digest then.
      const alike = table.blockBytes(end - 1) === bytes ? end - index : end - 1 - index;
      const count = Math.min(alike, MAX_RUN_BLOCKS);
      yield { index, count, digest: zeroBlockDigest(bytes, table.algorithm) };
      index += count;
    }
  }
}

/** Enters a durable batch into the table. Gives way to everything else meanwhile. */
export async function commitBatch(batch: Batch, digests: DigestTable): Promise<void> {
  const turns = new EventLoopTurns();
  for (const { index, count = 1, digest } of knownBlocksOf(batch, digests)) {
    digests.setRun(index, count, digest);
    await turns.giveWay();
  }
}

function emptyBatch(): { -readonly [key in keyof Batch]: Batch[key] } {
  return { ranges: [], zeroed: [], digests: [], prepared: [], payloadBytes: 0 };
}

function rangesOf({ ranges, prepared }: Pick<Batch, 'ranges' | 'prepared'>): number {
  return ranges.length + prepared.length;
}
