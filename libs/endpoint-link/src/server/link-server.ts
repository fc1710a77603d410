import {
  CONTROL_PATH,
  ENDPOINT_ID_HEADER,
  ENROL_PATH,
  MAX_CONTROL_MESSAGE_BYTES,
  type Assignment,
} from '#libs/contracts';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { MAX_PENDING_UPGRADES } from '../channel/channel-limits.js';
import { systemScheduler, type Scheduler } from '../channel/scheduler.js';
import { EndpointSession } from './endpoint-session.js';
import { answerEnrolment } from './enrolment.js';
import type {
  Authenticator,
  EndpointConnection,
  Enroller,
  LinkedEndpoint,
  LinkEvents,
  LinkLog,
} from './link-server.ports.js';
import { refuseUpgrade } from './refuse-upgrade.js';

export interface LinkServerOptions {
  readonly enroller: Enroller;
  readonly authenticator: Authenticator;
  readonly events: LinkEvents;
  readonly log?: LinkLog;
  readonly scheduler?: Scheduler;
}

/** Anything that listened for requests before; what is not ours is passed on to it. */
type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * The server's side of all control channels. It serves two paths of an HTTP server that someone else owns:
 * `POST /enrol` and the WebSocket upgrade on `/control`; every other request goes where it went before.
 */
export class LinkServer {
  readonly #options: LinkServerOptions;
  readonly #scheduler: Scheduler;
  readonly #log: LinkLog;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_CONTROL_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  readonly #sessions = new Map<string, EndpointSession>();
  #detach: (() => void) | null = null;
  #pendingUpgrades = 0;
  #closing = false;

  constructor(options: LinkServerOptions) {
    this.#options = options;
    this.#scheduler = options.scheduler ?? systemScheduler;
    this.#log = options.log ?? (() => undefined);
  }

  /**
   * Takes the two paths of the server over. Call it after the server's own request listeners are in place
   * (with Nest: after `app.init()`).
   */
  attach(server: Server): void {
    if (this.#detach !== null) throw new Error('The link server is attached already.');
    // Node's own type of a listener is `Function`; these are the ones registered for `request`.
    const earlier = server.listeners('request') as RequestListener[];
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      if (pathOf(request) === ENROL_PATH) this.#enrol(request, response);
      else if (earlier.length > 0) for (const listener of earlier) listener.call(server, request, response);
      else response.writeHead(404).end();
    };
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      if (pathOf(request) === CONTROL_PATH) void this.#upgrade(request, socket, head);
      else if (server.listenerCount('upgrade') === 1) refuseUpgrade(socket, 404);
    };
    server.removeAllListeners('request');
    server.on('request', onRequest);
    server.on('upgrade', onUpgrade);
    this.#detach = () => {
      server.off('request', onRequest);
      server.off('upgrade', onUpgrade);
      for (const listener of earlier) server.on('request', listener);
    };
  }

  /** Serves an open socket of an endpoint whose identity is known, whoever dialled. */
  serve(endpoint: LinkedEndpoint, socket: WebSocket): void {
    let session = this.#sessions.get(endpoint.endpointId);
    if (session === undefined) {
      const opened: EndpointSession = new EndpointSession({
        endpoint,
        events: this.#options.events,
        scheduler: this.#scheduler,
        log: this.#log,
        onVacant: () => {
          if (this.#sessions.get(endpoint.endpointId) === opened) this.#sessions.delete(endpoint.endpointId);
        },
      });
      this.#sessions.set(endpoint.endpointId, opened);
      session = opened;
    }
    session.take(socket);
  }

  /**
   * Sends the wanted state to an endpoint. Nothing is kept: after a reconnect it is the caller who sends it again.
   * @returns false when the endpoint is not connected
   */
  assign(endpointId: string, assignment: Assignment): boolean {
    return this.#sessions.get(endpointId)?.assign(assignment) ?? false;
  }

  /** The connection in use of each endpoint that has said hello, announced or about to be. */
  connections(): readonly EndpointConnection[] {
    return [...this.#sessions.values()].flatMap((session) => session.connection ?? []);
  }

  /** Closes one connection; the end dials again, and its credential is checked again. Another one of it is left alone. */
  disconnect({ endpointId, connectionId }: Omit<EndpointConnection, 'kind'>, reason: string): void {
    this.#sessions.get(endpointId)?.disconnect(connectionId, reason);
  }

  /** Closes all channels, waits for the events under way, and gives the HTTP server back as it was. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#detach?.();
    this.#detach = null;
    await Promise.all([...this.#sessions.values()].map((session) => session.close('the server is shutting down')));
    this.#sockets.close();
  }

  #enrol(request: IncomingMessage, response: ServerResponse): void {
    const ports = { enroller: this.#options.enroller, scheduler: this.#scheduler, log: this.#log };
    void answerEnrolment(request, response, ports);
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // A caller that goes away while its credential is checked must not end the process.
    const onError = (): void => {
      socket.destroy();
    };
    socket.on('error', onError);
    const verdict = await this.#judge(request);
    if (socket.destroyed) return;
    if (typeof verdict === 'number') {
      refuseUpgrade(socket, verdict);
      return;
    }
    socket.off('error', onError);
    this.#sockets.handleUpgrade(request, socket, head, (opened) => {
      if (this.#closing) opened.terminate();
      else this.serve(verdict, opened);
    });
  }

  /** @returns the endpoint, or the HTTP status of the refusal */
  async #judge(request: IncomingMessage): Promise<LinkedEndpoint | number> {
    const endpointId = request.headers[ENDPOINT_ID_HEADER];
    const credential = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (typeof endpointId !== 'string' || credential === undefined) return 401;
    if (this.#closing || this.#pendingUpgrades >= MAX_PENDING_UPGRADES) return 503;
    this.#pendingUpgrades += 1;
    try {
      return (await this.#options.authenticator.authenticate(endpointId, credential)) ?? 401;
    } catch (error) {
      this.#log('warn', `A credential could not be checked: ${error instanceof Error ? error.message : String(error)}`);
      return 503;
    } finally {
      this.#pendingUpgrades -= 1;
    }
  }
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? '';
}
