import { BlockSet } from '#libs/block-transfer';
import type { ByteRange, EndpointReport } from '#libs/contracts';
import type { OfAttempt } from './of-attempt.js';

/** The contract's limit for one report. */
const MAX_RANGES_PER_REPORT = 20_000;

/** What is said of a disk: which one it is, and how large. */
interface ReportedDisk {
  readonly diskId: string;
  readonly diskBytes: number;
}

/**
 * Reports what the target has durably written, in whole blocks. At most one such report is under way: while it is, or
 * while there is no server, further blocks gather here, a bit each, so that a long absence costs neither reports nor
 * memory.
 */
export class AcknowledgedRangesReporter {
  readonly #ofAttempt: OfAttempt;
  readonly #report: (report: EndpointReport) => Promise<unknown>;
  readonly #gathered = new Map<string, GatheredBlocks>();
  #sending: Promise<void> | null = null;

  constructor(ofAttempt: OfAttempt, report: (report: EndpointReport) => Promise<unknown>) {
    this.#ofAttempt = ofAttempt;
    this.#report = report;
  }

  /** @param ranges whole blocks of the disk */
  add({ diskId, diskBytes }: ReportedDisk, ranges: readonly ByteRange[]): void {
    if (ranges.length === 0) return;
    let gathered = this.#gathered.get(diskId);
    if (gathered === undefined) this.#gathered.set(diskId, (gathered = new GatheredBlocks(diskBytes)));
    for (const range of ranges) gathered.add(range);
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when everything that was added has been reported, or cannot be any more. Never rejects. */
  async settled(): Promise<void> {
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    for (let next = this.#takeNext(); next !== null; next = this.#takeNext()) {
      // An unanswerable report ends with the control channel, and so does the process.
      await this.#report(next).catch(() => undefined);
    }
    this.#sending = null;
  }

  #takeNext(): EndpointReport | null {
    for (const [diskId, gathered] of this.#gathered) {
      const ranges = gathered.take(MAX_RANGES_PER_REPORT);
      if (ranges.length > 0) return { kind: 'ranges-acknowledged', ...this.#ofAttempt, diskId, ranges };
    }
    return null;
  }
}

/** Blocks of one disk that wait to be reported, and between which of them to look: a round adds neighbours mostly. */
class GatheredBlocks {
  readonly #blocks: BlockSet;
  #from = Infinity;
  #to = 0;

  constructor(diskBytes: number) {
    this.#blocks = new BlockSet(diskBytes);
  }

  add(range: ByteRange): void {
    this.#blocks.addRange(range);
    this.#from = Math.min(this.#from, range.offsetBytes);
    this.#to = Math.max(this.#to, range.offsetBytes + range.lengthBytes);
  }

  /** The first ranges, in order; no more than so many. */
  take(limit: number): ByteRange[] {
    const taken: ByteRange[] = [];
    if (this.#from >= this.#to) return taken;
    const left = this.#blocks.ranges({ offsetBytes: this.#from, lengthBytes: this.#to - this.#from });
    for (const range of left) {
      if (taken.length === limit) {
        this.#from = range.offsetBytes;
        break;
      }
      taken.push(range);
    }
    for (const range of taken) this.#blocks.removeRange(range);
    if (this.#blocks.totalBytes === 0) [this.#from, this.#to] = [Infinity, 0];
    return taken;
  }
}
