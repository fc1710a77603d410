import {
  CONTROL_PATH,
  ENDPOINT_ID_HEADER,
  endpointReport,
  type Assignment,
  type EndpointProgress,
  type EndpointReport,
} from '#libs/contracts';
import { randomUUID } from 'node:crypto';
import { CloseCode } from '../channel/close-code.js';
import { pause, systemScheduler, type Scheduler } from '../channel/scheduler.js';
import type { LinkLog } from '../server/link-server.ports.js';
import { BACKOFF_MAX_MS, backoffDelayMs, STABLE_CONNECTION_MS } from './backoff.js';
import type { EndpointCredential } from './credential-file.js';
import { dial } from './dial.js';
import { EndChannel, type ChannelEnd } from './end-channel.js';
import { addressOf, checkServerUrl } from './network-policy.js';
import { Outbox, type ReportOutcome } from './outbox.js';

/** The server does not know this endpoint (any more). Dialling again is useless. */
export class LinkRefusedError extends Error {
  override readonly name = 'LinkRefusedError';
}

export interface EndpointLinkOptions {
  readonly credential: EndpointCredential;
  /** Name and version of the program, for `hello`. */
  readonly software: string;
  /** The assignment in hand, asked at each connection. */
  readonly assignmentInHand: () => string | null;
  /** What this process shows on the data path (PEM), for `hello`. */
  readonly dataCertificate?: string | undefined;
  readonly insecureNetwork?: boolean | undefined;
  readonly log?: LinkLog | undefined;
  readonly scheduler?: Scheduler | undefined;
  /** In [0, 1). */
  readonly random?: (() => number) | undefined;
}

interface LostConnection {
  readonly reason: string;
  /** It held long enough that the next attempt is the first of a new series. */
  readonly stable: boolean;
  /** Another process uses the same credential; dialling at once would only take the channel from it in turn. */
  readonly contested: boolean;
}

/**
 * An end's side of its control channel, in active mode: dials the server, and dials again for as long as it runs.
 * Reports are kept until they are answered; work goes on undisturbed while there is no connection.
 */
export class EndpointLink {
  readonly #options: EndpointLinkOptions;
  readonly #address: URL;
  readonly #scheduler: Scheduler;
  readonly #random: () => number;
  readonly #log: LinkLog;
  readonly #outbox: Outbox;
  #channel: EndChannel | null = null;
  #onAssignment: (assignment: Assignment) => void = () => undefined;

  /** @throws ServerUrlError */
  constructor(options: EndpointLinkOptions) {
    this.#options = options;
    const server = checkServerUrl(options.credential.serverUrl, options.insecureNetwork ?? false);
    this.#address = addressOf(server, 'ws', CONTROL_PATH);
    const scheduler = options.scheduler ?? systemScheduler;
    this.#scheduler = scheduler;
    this.#outbox = new Outbox(randomUUID, () => scheduler.nowMs());
    this.#random = options.random ?? Math.random;
    this.#log = options.log ?? (() => undefined);
  }

  /** Whoever does the work. The same assignment comes again after every reconnect. */
  onAssignment(receive: (assignment: Assignment) => void): void {
    this.#onAssignment = receive;
  }

  /**
   * Keeps the channel up until the signal aborts, then closes it and resolves.
   * @throws {@link LinkRefusedError} when the server refuses the credential
   */
  async run(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    try {
      while (!signal.aborted) {
        const connection = await this.#connectOnce(signal);
        attempt = connection.stable ? 0 : attempt + 1;
        await this.#waitToDial(connection, attempt, signal);
      }
    } finally {
      this.#outbox.close();
    }
  }

  /**
   * Queues a report; it is repeated on every connection until the server answers it. Resolves with the answer.
   * Rejects when the outbox is full (`OutboxFullError`), when the report is not one by the contract (`ZodError`), or
   * when the link ends first (`LinkClosedError`).
   */
  async report(report: EndpointReport): Promise<ReportOutcome> {
    const answered = this.#outbox.add(endpointReport.parse(report));
    this.#channel?.sendReports();
    return answered;
  }

  /** Telemetry: dropped when there is no connection. */
  progress(progress: EndpointProgress): void {
    this.#channel?.sendProgress(progress);
  }

  async #waitToDial(lost: LostConnection, attempt: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const delayMs = lost.contested ? BACKOFF_MAX_MS : backoffDelayMs(attempt, this.#random());
    this.#log('warn', `No connection to ${this.#address.host}: ${lost.reason}. Again in ${delayMs} ms.`);
    await pause(this.#scheduler, delayMs, signal);
  }

  async #connectOnce(signal: AbortSignal): Promise<LostConnection> {
    const { endpointId, credential } = this.#options.credential;
    const headers = { authorization: `Bearer ${credential}`, [ENDPOINT_ID_HEADER]: endpointId };
    const dialled = await dial(this.#address, headers, signal);
    switch (dialled.kind) {
      case 'failed':
        return { reason: dialled.message, stable: false, contested: false };
      case 'answered':
        // The server's own word; anything else may be that of something on the way.
        if (dialled.status === 401) {
          throw new LinkRefusedError(
            `${this.#address.host} does not accept the credential of endpoint ${endpointId}. Enrol this machine again.`,
          );
        }
        return { reason: `the server answered with status ${dialled.status}`, stable: false, contested: false };
      case 'open':
        break;
    }
    const openedMs = this.#scheduler.nowMs();
    const channel = new EndChannel({
      socket: dialled.socket,
      outbox: this.#outbox,
      scheduler: this.#scheduler,
      software: this.#options.software,
      assignmentId: this.#options.assignmentInHand(),
      dataCertificate: this.#options.dataCertificate,
      onAssignment: (assignment) => {
        this.#onAssignment(assignment);
      },
      onRefused: (reportId, code, message) => {
        this.#log('warn', `The server refused report ${reportId}: ${code}: ${message}`);
      },
    });
    const end = await this.#hold(channel, () => dialled.socket.resume(), signal);
    const stable = end.welcomed && this.#scheduler.nowMs() - openedMs >= STABLE_CONNECTION_MS;
    const contested = end.code === CloseCode.replaced;
    return { reason: `closed (${end.code} ${end.reason})`, stable, contested };
  }

  async #hold(channel: EndChannel, begin: () => void, signal: AbortSignal): Promise<ChannelEnd> {
    const leave = (): void => {
      channel.close(CloseCode.goingAway, 'the program ends');
    };
    this.#channel = channel;
    signal.addEventListener('abort', leave, { once: true });
    begin();
    if (signal.aborted) leave();
    try {
      return await channel.ended;
    } finally {
      this.#channel = null;
      signal.removeEventListener('abort', leave);
    }
  }
}
