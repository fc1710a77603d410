import type { Assignment, EndpointReport } from '#libs/contracts';
import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import { MAX_REPORTS_UNDER_WAY } from '../channel/channel-limits.js';
import { CloseCode } from '../channel/close-code.js';
import type { Scheduler } from '../channel/scheduler.js';
import type { EndpointConnection, Hello, LinkedEndpoint, LinkEvents, LinkLog } from './link-server.ports.js';
import { ServerChannel } from './server-channel.js';

/** How long a closing server waits for the events of one endpoint. What is not acknowledged by then comes again. */
const CLOSE_EVENTS_LIMIT_MS = 10_000;

/** What is known of one connection beside its channel. */
interface Connection {
  readonly connectionId: string;
  readonly channel: ServerChannel;
  reportsUnderWay: number;
  /** `onConnected` succeeded, so `onDisconnected` is owed. */
  announced: boolean;
}

export interface EndpointSessionOptions {
  readonly endpoint: LinkedEndpoint;
  readonly events: LinkEvents;
  readonly scheduler: Scheduler;
  readonly log: LinkLog;
  /** Nobody is connected and nothing is left to do. */
  readonly onVacant: () => void;
}

/**
 * One endpoint across its connections. A single queue runs all of its events, so that a report of an old connection
 * is done with before anything of the next one begins.
 */
export class EndpointSession {
  readonly #options: EndpointSessionOptions;
  readonly #connections = new Set<Connection>();
  #current: Connection | null = null;
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;
  readonly #waitingForVacancy: (() => void)[] = [];

  constructor(options: EndpointSessionOptions) {
    this.#options = options;
  }

  get endpoint(): LinkedEndpoint {
    return this.#options.endpoint;
  }

  /** The connection in use; null while there is none. */
  get connection(): EndpointConnection | null {
    return this.#current === null || this.#current.channel.closed ? null : this.#named(this.#current);
  }

  /** Takes an open socket, whoever dialled. It replaces an earlier one of the endpoint once it has said hello. */
  take(socket: WebSocket): void {
    const { scheduler } = this.#options;
    const channel = new ServerChannel(socket, scheduler, {
      onHello: (hello) => {
        this.#greet(connection, hello);
      },
      onReport: (reportId, report, ageMs) => {
        const receivedMs = scheduler.nowMs();
        this.#acceptReport(connection, reportId, () => {
          const waitedMs = scheduler.nowMs() - receivedMs;
          return this.#answer(connection, reportId, report, pastInstant(ageMs + waitedMs));
        });
      },
      onUnknownReport: (reportId, message) => {
        this.#options.log('warn', `${this.#name()} sent a report that is not understood: ${message}`);
        this.#acceptReport(connection, reportId, async () => {
          channel.refuse(reportId, 'REPORT_MALFORMED', message);
        });
      },
      onProgress: (progress) => {
        if (connection.announced) this.#guard(() => this.#options.events.onProgress(this.endpoint, progress));
      },
      onClosed: (reason) => {
        this.#leave(connection, reason);
      },
    });
    const connection: Connection = { connectionId: randomUUID(), channel, reportsUnderWay: 0, announced: false };
    this.#connections.add(connection);
  }

  /** @returns whether the assignment went out; the endpoint gets it again after a reconnect from `onConnected`. */
  assign(assignment: Assignment): boolean {
    return this.#current?.channel.assign(assignment) ?? false;
  }

  /** Closes the connection if it is this one; the end dials again. */
  disconnect(connectionId: string, reason: string): void {
    if (this.#current?.connectionId === connectionId) this.#current.channel.close(CloseCode.tryAgainLater, reason);
  }

  /** Closes every connection and waits, with a bound, until all events of the endpoint are done. */
  async close(reason: string): Promise<void> {
    for (const { channel } of this.#connections) channel.close(CloseCode.goingAway, reason);
    if (this.#vacant) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.scheduler.after(CLOSE_EVENTS_LIMIT_MS, () => {
        this.#options.log('warn', `Events of ${this.#name()} were still under way at the end; the end repeats them.`);
        resolve();
      });
      this.#waitingForVacancy.push(() => {
        cancel();
        resolve();
      });
    });
  }

  get #vacant(): boolean {
    return this.#queued === 0 && this.#connections.size === 0;
  }

  #greet(connection: Connection, hello: Hello): void {
    this.#current?.channel.close(CloseCode.replaced, 'another connection of this endpoint took over');
    this.#current = connection;
    connection.channel.welcome();
    this.#enqueue(async () => {
      if (connection.channel.closed) return;
      try {
        await this.#options.events.onConnected(this.#named(connection), hello);
        connection.announced = true;
      } catch (error) {
        this.#options.log('warn', `${this.#name()} could not be announced: ${describe(error)}`);
        connection.channel.close(CloseCode.tryAgainLater, 'the connection could not be recorded');
      }
    });
  }

  #acceptReport(connection: Connection, reportId: string, handle: () => Promise<void>): void {
    if (connection.reportsUnderWay >= MAX_REPORTS_UNDER_WAY) {
      connection.channel.close(CloseCode.protocolViolated, `more than ${MAX_REPORTS_UNDER_WAY} reports under way`);
      return;
    }
    connection.reportsUnderWay += 1;
    this.#enqueue(async () => {
      // Not taken on a closed channel: it comes again on the next one, in its place.
      if (connection.channel.closed) return;
      try {
        await handle();
      } catch (error) {
        this.#options.log('warn', `Report ${reportId} of ${this.#name()} was not taken: ${describe(error)}`);
        connection.channel.close(CloseCode.tryAgainLater, 'the report could not be taken just now');
      } finally {
        connection.reportsUnderWay -= 1;
      }
    });
  }

  async #answer(connection: Connection, reportId: string, report: EndpointReport, madeAt: Date): Promise<void> {
    const answer = await this.#options.events.onReport(this.endpoint, reportId, report, madeAt);
    if ('acknowledged' in answer) connection.channel.acknowledge(reportId);
    else connection.channel.refuse(reportId, answer.refused, answer.message);
  }

  #leave(connection: Connection, reason: string): void {
    this.#connections.delete(connection);
    if (this.#current === connection) this.#current = null;
    this.#enqueue(async () => {
      if (!connection.announced) return;
      try {
        await this.#options.events.onDisconnected(this.#named(connection), reason);
      } catch (error) {
        this.#options.log('warn', `The end of ${this.#name()}'s connection was not taken: ${describe(error)}`);
      }
    });
  }

  #enqueue(work: () => Promise<void>): void {
    this.#queued += 1;
    this.#queue = this.#queue.then(work).finally(() => {
      this.#queued -= 1;
      if (!this.#vacant) return;
      this.#options.onVacant();
      for (const resolve of this.#waitingForVacancy.splice(0)) resolve();
    });
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#options.log('warn', `Progress of ${this.#name()} was not taken: ${describe(error)}`);
    }
  }

  #named({ connectionId }: Connection): EndpointConnection {
    return { ...this.endpoint, connectionId };
  }

  #name(): string {
    return `${this.endpoint.kind} ${this.endpoint.endpointId}`;
  }
}

/** Whatever age an end claims, the instant is a valid one. */
function pastInstant(ageMs: number): Date {
  return new Date(Math.max(0, Date.now() - ageMs));
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
