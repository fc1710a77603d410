import type { EndpointReport } from '#libs/contracts';

/** Reports that wait for an answer; with the server away for long, an end has to coalesce rather than pile up. */
export const MAX_OUTBOX_REPORTS = 1_000;

export type ReportOutcome = 'acknowledged' | 'refused';

export interface OutgoingReport {
  readonly reportId: string;
  readonly report: EndpointReport;
  /** On the outbox's clock. */
  readonly madeAtMs: number;
}

/** The outbox holds {@link MAX_OUTBOX_REPORTS}; this report was not taken. */
export class OutboxFullError extends Error {
  override readonly name = 'OutboxFullError';
}

/** The link was closed for good before the report was answered. */
export class LinkClosedError extends Error {
  override readonly name = 'LinkClosedError';
}

interface Entry extends OutgoingReport {
  sent: boolean;
  readonly resolve: (outcome: ReportOutcome) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Reports in the order in which they were made, each kept until the server answers it. After a lost connection all of
 * them count as unsent, because nobody knows which arrived.
 */
export class Outbox {
  readonly #entries = new Map<string, Entry>();
  readonly #newId: () => string;
  readonly #nowMs: () => number;
  readonly #maxReports: number;

  /** @param nowMs a clock that never goes back, in milliseconds */
  constructor(newId: () => string, nowMs: () => number, maxReports = MAX_OUTBOX_REPORTS) {
    this.#newId = newId;
    this.#nowMs = nowMs;
    this.#maxReports = maxReports;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @throws {@link OutboxFullError}; the promise rejects with {@link LinkClosedError} */
  add(report: EndpointReport): Promise<ReportOutcome> {
    if (this.#entries.size >= this.#maxReports) {
      throw new OutboxFullError(`${this.#maxReports} reports wait for the server already.`);
    }
    const reportId = this.#newId();
    const madeAtMs = this.#nowMs();
    const answered = new Promise<ReportOutcome>((resolve, reject) => {
      this.#entries.set(reportId, { reportId, report, madeAtMs, sent: false, resolve, reject });
    });
    // A caller may well not wait for the answer; closing the link is then no unhandled rejection.
    answered.catch(() => undefined);
    return answered;
  }

  /** The next reports to send so that at most `window` are under way; they count as sent from now on. */
  takeNext(window: number): readonly OutgoingReport[] {
    const entries = [...this.#entries.values()];
    const underWay = entries.filter((entry) => entry.sent).length;
    const next = entries.filter((entry) => !entry.sent).slice(0, Math.max(0, window - underWay));
    for (const entry of next) entry.sent = true;
    return next;
  }

  connectionLost(): void {
    for (const entry of this.#entries.values()) entry.sent = false;
  }

  /** An answer to an unknown id is one that came twice; it is ignored. */
  answered(reportId: string, outcome: ReportOutcome): void {
    this.#entries.get(reportId)?.resolve(outcome);
    this.#entries.delete(reportId);
  }

  close(): void {
    for (const entry of this.#entries.values()) entry.reject(new LinkClosedError('The link to the server is closed.'));
    this.#entries.clear();
  }
}
