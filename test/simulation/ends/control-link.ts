import { type Assignment, type EndpointFrame, type EndpointReport, type ServerFrame } from '#libs/contracts';
import { backoffDelayMs } from '#libs/endpoint-link';
import type { Lifetime } from '../world/lifetime.js';
import type { Connection } from '../world/network.js';
import type { Random } from '../world/random.js';
import { SECOND } from '../world/simulated-clock.js';

/** An endpoint's identity, as it keeps it on its disk. */
export interface Credential {
  readonly endpointId: string;
  readonly credential: string;
}

/** How a call at the server's door ended. */
export type Dialled =
  | { readonly kind: 'open'; readonly connection: Connection }
  /** Refused for good: the credential is not accepted. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed' };

export interface ControlLinkOptions {
  readonly credential: Credential;
  readonly life: Lifetime;
  readonly random: Random;
  readonly dial: (credential: Credential, life: Lifetime) => Promise<Dialled>;
  readonly assignmentInHand: () => string | null;
  readonly onAssignment: (assignment: Assignment) => void;
  /** This end's clock: right about durations, not about the time of day. */
  readonly nowMs: () => number;
  readonly newId: () => string;
  /** Whether a report goes out twice, as if it had been repeated. */
  readonly sendsTwice: () => boolean;
}

interface Waiting {
  readonly reportId: string;
  readonly report: EndpointReport;
  readonly madeAtMs: number;
  isSent: boolean;
  readonly answered: (outcome: 'acknowledged' | 'refused') => void;
}

/** As of the real one. */
const MAX_UNDER_WAY = 16;
const STABLE_MS = 10 * SECOND;

/**
 * An end's side of the control channel: dials again for as long as its process lives, and repeats each report until it
 * is answered. What waits here dies with the process.
 */
export class ControlLink {
  readonly #outbox = new Map<string, Waiting>();
  #connection: Connection | null = null;
  #isWelcome = false;
  /** The server does not know this end any more; it never dials again. */
  isRefused = false;

  constructor(private readonly options: ControlLinkOptions) {}

  get isConnected(): boolean {
    return this.#connection !== null && this.#isWelcome;
  }

  async run(): Promise<void> {
    const { life, random, credential, dial } = this.options;
    for (let attempt = 0; ;) {
      const dialled = await dial(credential, life);
      if (dialled.kind === 'refused') {
        this.isRefused = true;
        return;
      }
      const openedMs = life.clock.nowMs;
      if (dialled.kind === 'open') await this.#hold(dialled.connection);
      const isStable = dialled.kind === 'open' && life.clock.nowMs - openedMs >= STABLE_MS;
      attempt = isStable ? 0 : attempt + 1;
      await life.sleep(backoffDelayMs(attempt, random.fraction()));
    }
  }

  /** Resolves with the server's answer, however long that takes. */
  report(report: EndpointReport): Promise<'acknowledged' | 'refused'> {
    return this.options.life.hear(
      new Promise((answered) => {
        const reportId = this.options.newId();
        const madeAtMs = this.options.nowMs();
        this.#outbox.set(reportId, { reportId, report, madeAtMs, isSent: false, answered });
        this.#sendReports();
      }),
    );
  }

  /** Telemetry: dropped when there is no connection. */
  progress(progress: Extract<EndpointFrame, { type: 'progress' }>['progress']): void {
    if (this.#isWelcome) this.#send({ type: 'progress', progress });
  }

  /** The process ends; its machine says so, unless the machine has no power. */
  leave(how: 'close' | 'vanish'): void {
    this.#connection?.[how]('client');
    this.#connection = null;
  }

  async #hold(connection: Connection): Promise<void> {
    this.#connection = connection;
    this.#isWelcome = false;
    for (const waiting of this.#outbox.values()) waiting.isSent = false;
    const { life } = this.options;
    const closed = new Promise<void>((resolve) => {
      connection.listen(
        'client',
        (message) => {
          if (!life.isOver) this.#receive(message as ServerFrame);
        },
        () => resolve(),
      );
    });
    this.#send({
      type: 'hello',
      protocolVersion: 1,
      software: 'landfall 0.1.0',
      assignmentId: this.options.assignmentInHand(),
    });
    await life.hear(closed);
    this.#connection = null;
    this.#isWelcome = false;
  }

  #receive(frame: ServerFrame): void {
    switch (frame.type) {
      case 'welcome':
        this.#isWelcome = true;
        break;
      case 'assignment':
        this.options.onAssignment(frame.assignment);
        break;
      case 'acknowledged':
      case 'refused':
        this.#outbox.get(frame.reportId)?.answered(frame.type);
        this.#outbox.delete(frame.reportId);
        break;
    }
    this.#sendReports();
  }

  #sendReports(): void {
    if (!this.isConnected) return;
    let underWay = 0;
    for (const waiting of this.#outbox.values()) {
      if (waiting.isSent) underWay += 1;
      else if (underWay < MAX_UNDER_WAY) {
        underWay += 1;
        waiting.isSent = true;
        const ageMs = this.options.nowMs() - waiting.madeAtMs;
        const frame = { type: 'report', reportId: waiting.reportId, ageMs, report: waiting.report } as const;
        this.#send(frame);
        if (this.options.sendsTwice()) this.#send(frame);
      }
    }
  }

  #send(frame: EndpointFrame): void {
    this.#connection?.send('client', frame);
  }
}
