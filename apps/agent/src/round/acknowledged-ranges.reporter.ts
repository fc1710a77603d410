import { mergeExtents } from '#libs/block-transfer';
import type { ByteRange, EndpointReport } from '#libs/contracts';
import type { OfAttempt } from './of-attempt.js';

/** The contract's limit for one report. */
const MAX_RANGES_PER_REPORT = 20_000;
/** Ranges of one disk are joined early when this many have gathered since the last time. */
const JOIN_AFTER_RANGES = 5_000;

interface Gathered {
  ranges: ByteRange[];
  joinedCount: number;
}

/**
 * Reports what the target has durably written. At most one such report is under way: while it is, or while there is
 * no server, further ranges gather here and are joined, so that a long absence costs neither reports nor memory.
 */
export class AcknowledgedRangesReporter {
  readonly #ofAttempt: OfAttempt;
  readonly #report: (report: EndpointReport) => Promise<unknown>;
  readonly #gathered = new Map<string, Gathered>();
  #underWay = false;

  constructor(ofAttempt: OfAttempt, report: (report: EndpointReport) => Promise<unknown>) {
    this.#ofAttempt = ofAttempt;
    this.#report = report;
  }

  add(diskId: string, ranges: readonly ByteRange[]): void {
    if (ranges.length === 0) return;
    let gathered = this.#gathered.get(diskId);
    if (gathered === undefined) {
      gathered = { ranges: [], joinedCount: 0 };
      this.#gathered.set(diskId, gathered);
    }
    for (const range of ranges) gathered.ranges.push(range);
    if (gathered.ranges.length > 2 * gathered.joinedCount + JOIN_AFTER_RANGES) {
      gathered.ranges = mergeExtents(gathered.ranges);
      gathered.joinedCount = gathered.ranges.length;
    }
    this.#sendNext();
  }

  /** Queues all that is left, before the report that ends the attempt or the round. */
  flush(): void {
    for (let next = this.#takeNext(); next !== null; next = this.#takeNext()) {
      this.#report(next).catch(() => undefined);
    }
  }

  #sendNext(): void {
    if (this.#underWay) return;
    const next = this.#takeNext();
    if (next === null) return;
    this.#underWay = true;
    // An unanswerable report ends with the control channel, and so does the process.
    this.#report(next)
      .catch(() => undefined)
      .finally(() => {
        this.#underWay = false;
        this.#sendNext();
      });
  }

  #takeNext(): EndpointReport | null {
    for (const [diskId, gathered] of this.#gathered) {
      const joined = mergeExtents(gathered.ranges);
      const ranges = joined.slice(0, MAX_RANGES_PER_REPORT);
      const rest = joined.slice(MAX_RANGES_PER_REPORT);
      if (rest.length === 0) this.#gathered.delete(diskId);
      else this.#gathered.set(diskId, { ranges: rest, joinedCount: rest.length });
      return { kind: 'ranges-acknowledged', ...this.#ofAttempt, diskId, ranges };
    }
    return null;
  }
}
