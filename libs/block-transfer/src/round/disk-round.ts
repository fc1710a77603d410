import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ByteRange } from '#libs/contracts';
import type { DigestTable } from '../digests/digest-table.js';
import {
  clipExtents,
  endOf,
  invertExtents,
  splitExtents,
  totalBytes,
  type ExtentList,
} from '../extents/byte-extents.js';
import { Pool } from '../pool.js';
import { UNPACED, type TransferPace } from '../throttle/transfer-pace.js';
import { AcknowledgementBook } from './acknowledgement-book.js';
import { decideBlocks, freeBlocksToZero, type Decision } from './block-decisions.js';
import {
  blockSpan,
  bytesToCompare,
  sendableExtents,
  sweepSteps,
  sweepStepsWithin,
  type SweepStep,
} from './block-plan.js';
import { viewOf, zeroFreeBytes } from './canonical-content.js';
import type { DiskResume, RoundTotals } from './disk-resume.js';
import { roundBuffers, type RoundBuffers } from './round-buffers.js';
import type { RoundProgress, SyncDiskOptions } from './sync-round.js';
import { TargetDigests } from './target-digests.js';
import type { TargetSession } from './target-session.js';
import { ZeroAhead } from './zero-ahead.js';
import { ZeroBatch } from './zero-batch.js';

/** Queue depth on the source's storage. */
const READS_IN_FLIGHT = 4;
const ZEROES_IN_FLIGHT = 8;
/** So many steps in a row may find nothing to do (16 MiB of disk) before everything else has its turn. */
const STEPS_WITHOUT_REST = 8;
/** What is zeroed is noted in pieces of this size, so that a lost connection does not take it all. */
const ZERO_PIECE_BYTES = 256 * 1024 * 1024;
/** So far before the sweep, in bytes of the disk, the target is made zero where nothing will be sent. */
const ZERO_AHEAD_BYTES = 256 * 1024 * 1024;

/**
 * The machinery of one attempt: a loop takes a free buffer and a step of the sweep, and lets the step run by itself
 * (read, mask, digest, decide, write, wait for the replies, give the buffer back). The buffers bound memory and
 * everything in flight. Steps never overlap, so their order does not matter.
 */
export class DiskRound {
  private readonly slots: RoundBuffers;
  private readonly pace: TransferPace;
  private readonly readPermits = new Pool(Array.from({ length: READS_IN_FLIGHT }, (_, permit) => permit));
  private readonly zeroPermits = new Pool(Array.from({ length: ZEROES_IN_FLIGHT }, (_, permit) => permit));
  private readonly running = new Set<Promise<void>>();
  private readonly book: AcknowledgementBook;
  private readonly zeros = new ZeroBatch();
  private ahead = new ZeroAhead([]);
  private readonly resume: DiskResume;
  private readonly totals: RoundTotals;
  private readonly sentEarlierBytes: number;
  private readonly known: TargetDigests;
  private readonly baseline: DigestTable | null;
  private readonly plannedBytes: number;
  /** Without a baseline the target is zero wherever nothing is sent, so partly used blocks are sent in parts. */
  private readonly sendable: ExtentList | null;
  private processedBytes = 0;
  private acknowledgedBytes = 0;
  private flushing: Promise<void> | null = null;

  constructor(
    private readonly options: SyncDiskOptions & { resume: DiskResume },
    private readonly session: Pick<TargetSession, 'write' | 'zero' | 'flush'>,
    private readonly stop: AbortController,
    private readonly signal: AbortSignal,
    private readonly nowMs = (): number => performance.now(),
  ) {
    const { resume, used, digests, journal } = options;
    this.slots = options.buffers ?? roundBuffers();
    this.pace = options.pace ?? UNPACED;
    this.book = new AcknowledgementBook(nowMs());
    this.resume = resume;
    this.totals = resume.totals;
    this.sentEarlierBytes = resume.totals.sentBytes;
    this.known = new TargetDigests(digests, journal);
    this.baseline = resume.begin(options.baseline, digests);
    this.plannedBytes = bytesToCompare(used);
    this.sendable = this.baseline === null ? sendableExtents(used) : null;
  }

  async run(): Promise<void> {
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
  }

  private async prepare(): Promise<void> {
    this.report('transferring');
    await this.resume.keepKnown(this.options.digests);
    if (this.baseline !== null) {
      this.resume.nothingIsZeroed();
      await this.known.adopt(this.baseline);
      return;
    }
    await this.known.forgetAllBut((index) => this.resume.isDone(index));
    this.ahead = new ZeroAhead(splitExtents(this.resume.zeroBefore(this.sendable ?? []), ZERO_PIECE_BYTES));
  }

  private async sweep(): Promise<void> {
    let restless = 0;
    for (const step of this.steps()) {
      this.signal.throwIfAborted();
      await this.zeroAhead(endOf(step.range) + ZERO_AHEAD_BYTES);
      if (step.kind === 'compare') this.skipUnchanged(step.range);
      const left = this.resume.leftOf(step.range);
      if (step.kind === 'compare') this.processedBytes += step.range.lengthBytes - totalBytes(left);
      // Nothing here waits for a disk or a socket: without a pause, terabytes of what is free, done or unchanged would
      // hold up everything else.
      restless = left.length === 0 ? restless + 1 : 0;
      if (step.kind === 'free' || restless >= STEPS_WITHOUT_REST) {
        restless = 0;
        await nextTurn();
      }
      for (const range of left) {
        if (step.kind === 'free') {
          await this.sweepFree(range);
          await this.keepFlushing();
        } else {
          const slot = await this.nextBuffer();
          this.start(
            () => this.compareAndSend(range, slot),
            () => this.slots.give(slot),
          );
        }
      }
    }
  }

  private steps(): Iterable<SweepStep> {
    const { used, only } = this.options;
    return only === undefined ? sweepSteps(used) : sweepStepsWithin(used, only.ranges());
  }

  private async nextBuffer(): Promise<Uint8Array> {
    const slot = await this.slots.take(this.signal);
    try {
      // With the buffer in hand: what the others still write while we wait for one counts too.
      await this.keepFlushing();
      return slot;
    } catch (error) {
      // Others have it next, in this round or another.
      this.slots.give(slot);
      throw error;
    }
  }

  /** Blocks that nobody wrote, and whose use is the same, hold what the baseline says. */
  private skipUnchanged(range: ByteRange): void {
    const { dirty } = this.options;
    if (this.baseline === null || dirty === null || dirty === undefined) return;
    for (const index of indicesOf([range])) {
      if (!dirty.has(index) && this.baseline.isKnown(index)) this.resume.foundEqual(index);
    }
  }

  /** Has the target made zero, up to a place on the disk, where this round will send nothing. */
  private async zeroAhead(offsetBytes: number): Promise<void> {
    for (let next = this.ahead.takeBefore(offsetBytes); next !== null; next = this.ahead.takeBefore(offsetBytes)) {
      const range = next;
      const ended = this.ahead.begun(range);
      await this.startZeroing(range, (payloadBytes) => this.book.prepared(range, payloadBytes), ended);
      await this.keepFlushing();
    }
  }

  /** Resolves when whatever is not sent of this range is zero: only then it may count as done. */
  private async restIsZero(range: ByteRange): Promise<void> {
    await this.ahead.ended(range);
    this.signal.throwIfAborted();
  }

  private async sweepFree(range: ByteRange): Promise<void> {
    if (this.baseline === null) {
      this.start(
        async () => {
          await this.restIsZero(range);
          this.book.madeZero(range, 0);
        },
        () => undefined,
      );
      return;
    }
    const toZero = freeBlocksToZero(range, this.baseline);
    const zeroAlready = clipExtents(invertExtents(toZero, endOf(range)), range);
    for (const index of indicesOf(zeroAlready)) this.resume.foundEqual(index);
    await this.zeroBlocks(toZero);
  }

  private async compareAndSend(range: ByteRange, slot: Uint8Array): Promise<void> {
    const { source, used, digests } = this.options;
    const content = slot.subarray(0, range.lengthBytes);
    const permit = await this.readPermits.take();
    try {
      this.signal.throwIfAborted();
      await this.pace.read(content.length, () => source.read(content, range.offsetBytes), this.signal);
    } finally {
      this.readPermits.give(permit);
    }
    this.signal.throwIfAborted();
    this.totals.readBytes += content.length;
    zeroFreeBytes(content, range.offsetBytes, used.extents);
    const decision = decideBlocks(content, range.offsetBytes, this.baseline, digests.algorithm);
    for (const { index } of decision.unchanged) this.resume.foundEqual(index);
    await Promise.all([this.zeroBlocks(decision.zero), this.send(decision, content, range.offsetBytes)]);
    this.processedBytes += content.length;
    this.report('transferring');
  }

  private async send(decision: Decision, content: Uint8Array, offsetBytes: number): Promise<void> {
    if (decision.send.length === 0) return;
    await this.known.forget(decision.changed.map(({ index }) => index));
    this.signal.throwIfAborted();
    const { sendable } = this;
    const parts = sendable === null ? decision.send : decision.send.flatMap((range) => clipExtents(sendable, range));
    const payloadBytes = totalBytes(parts);
    this.totals.sentBytes += payloadBytes;
    // In front of a part lies what is not sent, or the room before the buffer: nobody needs it any more.
    await Promise.all(
      parts.map((part) => this.session.write(part.offsetBytes, viewOf(content, offsetBytes, part), true)),
    );
    await this.restIsZero({ offsetBytes, lengthBytes: content.length });
    this.book.written(decision.send, decision.changed, payloadBytes);
  }

  /** Whole blocks to be made zero: gathered, so that neighbours leave together. */
  private async zeroBlocks(ranges: readonly ByteRange[]): Promise<void> {
    await this.known.forget(indicesOf(ranges));
    await this.zeroAll(this.zeros.add(ranges));
  }

  private async zeroAll(ranges: readonly ByteRange[]): Promise<void> {
    for (const range of splitExtents(ranges, ZERO_PIECE_BYTES)) {
      if (this.baseline === null) this.resume.zeroing(range);
      await this.startZeroing(range, (payloadBytes) => this.book.madeZero(range, payloadBytes));
    }
  }

  /** Resolves when the request is on its way; `done` is called with its reply, and `ended` in any case. */
  private async startZeroing(
    range: ByteRange,
    done: (payloadBytes: number) => void,
    ended: () => void = () => undefined,
  ): Promise<void> {
    const permit = await this.zeroPermits.take();
    this.start(
      async () => {
        this.signal.throwIfAborted();
        const payloadBytes = await this.session.zero(range);
        this.totals.sentBytes += payloadBytes;
        if (payloadBytes === 0) this.totals.zeroedBytes += range.lengthBytes;
        done(payloadBytes);
      },
      () => {
        this.zeroPermits.give(permit);
        ended();
      },
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

  /** Sends a FLUSH when one is due. A target that takes writes faster than it makes them durable is waited for. */
  private async keepFlushing(): Promise<void> {
    if (this.book.isDue(this.nowMs())) this.startFlush();
    while (this.flushing !== null && this.book.isFull()) {
      await this.flushing;
      this.signal.throwIfAborted();
      if (this.book.isDue(this.nowMs())) this.startFlush();
    }
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
    const batch = this.book.take(this.nowMs());
    await this.session.flush();
    this.book.flushed();
    // Even when nothing can be noted any more, these blocks are done.
    this.resume.madeDurable(batch);
    this.acknowledgedBytes += batch.payloadBytes;
    await this.known.confirm(batch);
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
      sentBytes: this.totals.sentBytes - this.sentEarlierBytes,
      acknowledgedBytes: this.acknowledgedBytes,
    });
  }
}

function* indicesOf(ranges: Iterable<ByteRange>): Generator<number> {
  for (const range of ranges) {
    const { first, end } = blockSpan(range);
    for (let index = first; index < end; index += 1) yield index;
  }
}
