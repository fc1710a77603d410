import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ByteRange } from '#libs/contracts';
import { clipExtents, invertExtents, totalBytes, type ExtentList } from '../extents/byte-extents.js';
import { alignedSlots } from '../source/aligned-buffer.js';
import { AcknowledgementBook, commitBatch } from './acknowledgement-book.js';
import { decideBlocks, freeBlocksToZero, type Decision } from './block-decisions.js';
import { blockSpan, bytesToCompare, RUN_BYTES, sendableExtents, sweepSteps } from './block-plan.js';
import { viewOf, zeroFreeBytes } from './canonical-content.js';
import { Pool } from './pool.js';
import type { RoundProgress, SyncDiskOptions } from './sync-round.js';
import type { TargetSession } from './target-session.js';
import { ZeroBatch } from './zero-batch.js';

/** Queue depth on the source's storage. */
const READS_IN_FLIGHT = 4;
/** Buffers of 1 MiB: four being read, eight in flight on two connections, one being digested. */
const SLOTS = 13;
const ZEROES_IN_FLIGHT = 8;

type Totals = { readBytes: number; sentBytes: number; zeroedBytes: number };

/**
 * The machinery of one round: a loop takes a free buffer and a step of the sweep, and lets the step run by itself (read,
 * mask, digest, decide, write, wait for the replies, give the buffer back). The buffers bound memory and everything in
 * flight. Steps never overlap, so their order does not matter.
 */
export class DiskRound {
  private readonly slots = new Pool(alignedSlots(SLOTS, RUN_BYTES));
  private readonly readPermits = new Pool(Array.from({ length: READS_IN_FLIGHT }, (_, permit) => permit));
  private readonly zeroPermits = new Pool(Array.from({ length: ZEROES_IN_FLIGHT }, (_, permit) => permit));
  private readonly running = new Set<Promise<void>>();
  private readonly book = new AcknowledgementBook();
  private readonly zeros = new ZeroBatch();
  private readonly totals: Totals = { readBytes: 0, sentBytes: 0, zeroedBytes: 0 };
  private readonly plannedBytes: number;
  /** In a full round the target is zero wherever nothing is sent, so partly used blocks are sent in parts. */
  private readonly sendable: ExtentList | null;
  private processedBytes = 0;
  private acknowledgedBytes = 0;
  private flushing: Promise<void> | null = null;

  constructor(
    private readonly options: SyncDiskOptions,
    private readonly session: TargetSession,
    private readonly stop: AbortController,
    private readonly signal: AbortSignal,
  ) {
    this.plannedBytes = bytesToCompare(options.used);
    this.sendable = options.baseline === null ? sendableExtents(options.used) : null;
  }

  async run(): Promise<Totals> {
    try {
      await this.prepare();
      await this.sweep();
      await this.finish();
    } catch (error) {
      this.stop.abort(error);
    }
    // Buffers belong to reads and writes in flight until all of them have ended, well or not.
    while (this.running.size > 0) await Promise.all(this.running);
    this.signal.throwIfAborted();
    return this.totals;
  }

  private async prepare(): Promise<void> {
    const { baseline, digests, used } = this.options;
    this.report('transferring');
    if (baseline !== null) {
      digests.copyFrom(baseline);
      return;
    }
    digests.forgetAll();
    for (const range of invertExtents(this.sendable ?? [], used.diskBytes))
      await this.startZeroing(range, (payloadBytes) => this.book.written([], [], payloadBytes));
    await this.settled();
  }

  private async sweep(): Promise<void> {
    for (const step of sweepSteps(this.options.used)) {
      this.signal.throwIfAborted();
      if (step.kind === 'free') {
        await this.sweepFree(step.range);
      } else {
        const slot = await this.slots.take();
        this.start(
          () => this.compareAndSend(step.range, slot),
          () => this.slots.give(slot),
        );
      }
      if (this.book.isDue()) this.startFlush();
      // A target that takes writes faster than it makes them durable must not run ahead without end.
      if (this.book.isDue(2)) await this.flushing;
    }
  }

  private async sweepFree(range: ByteRange): Promise<void> {
    const { baseline } = this.options;
    // Nothing here waits for a disk or a socket: without a pause, terabytes of free space would hold up everything else.
    await nextTurn();
    if (baseline === null) this.book.madeZero(range, 0);
    else await this.zeroBlocks(freeBlocksToZero(range, baseline));
  }

  private async compareAndSend(range: ByteRange, slot: Uint8Array): Promise<void> {
    const { source, used, baseline } = this.options;
    const content = slot.subarray(0, range.lengthBytes);
    const permit = await this.readPermits.take();
    try {
      this.signal.throwIfAborted();
      await source.read(content, range.offsetBytes);
    } finally {
      this.readPermits.give(permit);
    }
    this.signal.throwIfAborted();
    this.totals.readBytes += content.length;
    zeroFreeBytes(content, range.offsetBytes, used.extents);
    const decision = decideBlocks(content, range.offsetBytes, baseline);
    await Promise.all([this.zeroBlocks(decision.zero), this.send(decision, content, range.offsetBytes)]);
    this.processedBytes += content.length;
    this.report('transferring');
  }

  private async send(decision: Decision, content: Uint8Array, offsetBytes: number): Promise<void> {
    if (decision.send.length === 0) return;
    for (const { index } of decision.changed) this.options.digests.forget(index);
    const { sendable } = this;
    const parts = sendable === null ? decision.send : decision.send.flatMap((range) => clipExtents(sendable, range));
    const payloadBytes = totalBytes(parts);
    this.totals.sentBytes += payloadBytes;
    await Promise.all(parts.map((part) => this.session.write(part.offsetBytes, viewOf(content, offsetBytes, part))));
    this.book.written(decision.send, decision.changed, payloadBytes);
  }

  /** Whole blocks to be made zero: gathered, so that neighbours leave together. */
  private async zeroBlocks(ranges: readonly ByteRange[]): Promise<void> {
    for (const range of ranges) {
      const { first, end } = blockSpan(range);
      for (let index = first; index < end; index += 1) this.options.digests.forget(index);
    }
    await this.zeroAll(this.zeros.add(ranges));
  }

  private async zeroAll(ranges: readonly ByteRange[]): Promise<void> {
    for (const range of ranges)
      await this.startZeroing(range, (payloadBytes) => this.book.madeZero(range, payloadBytes));
  }

  /** Resolves when the request is on its way; `done` is called with its reply. */
  private async startZeroing(range: ByteRange, done: (payloadBytes: number) => void): Promise<void> {
    const permit = await this.zeroPermits.take();
    this.start(
      async () => {
        this.signal.throwIfAborted();
        const payloadBytes = await this.session.zero(range);
        this.totals.sentBytes += payloadBytes;
        if (payloadBytes === 0) this.totals.zeroedBytes += range.lengthBytes;
        done(payloadBytes);
      },
      () => this.zeroPermits.give(permit),
    );
  }

  private async finish(): Promise<void> {
    await this.settled();
    await this.zeroAll(this.zeros.take());
    await this.settled();
    this.report('flushing');
    // The last FLUSH is sent even when nothing was written: the round ends with the target's own word.
    await this.flushBatch();
    this.report('flushing');
  }

  private startFlush(): void {
    if (this.flushing !== null) return;
    const flush = this.flushBatch();
    this.flushing = flush.catch(() => undefined).finally(() => (this.flushing = null));
    this.start(
      () => flush,
      () => undefined,
    );
  }

  private async flushBatch(): Promise<void> {
    const batch = this.book.take();
    await this.session.flush();
    commitBatch(batch, this.options.digests);
    this.acknowledgedBytes += batch.payloadBytes;
    if (batch.ranges.length > 0) this.options.onAcknowledged?.(batch.ranges);
  }

  /** Lets something run by itself; its failure ends the round, and `after` follows in any case. */
  private start(work: () => Promise<void>, after: () => void): void {
    const task: Promise<void> = work()
      .catch((error: unknown) => this.stop.abort(error))
      .finally(() => {
        after();
        this.running.delete(task);
      });
    this.running.add(task);
  }

  private async settled(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
    this.signal.throwIfAborted();
  }

  private report(activity: RoundProgress['activity']): void {
    this.options.onProgress?.({
      activity,
      plannedBytes: this.plannedBytes,
      processedBytes: this.processedBytes,
      sentBytes: this.totals.sentBytes,
      acknowledgedBytes: this.acknowledgedBytes,
    });
  }
}
