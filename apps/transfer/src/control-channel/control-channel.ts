import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { type EndpointProgress, type EnrolRequest, progressSubject } from '#libs/contracts';
import {
  type EndpointConnection,
  type Hello,
  type LinkedEndpoint,
  LinkServer,
  type LinkServerOptions,
} from '#libs/endpoint-link';
import { DomainError } from '#libs/eventsourcing';
import { ServiceBus, type Unsubscribe } from '#libs/messaging';
import { Enroller } from '../enrolment/enroller.js';
import { TRANSFER_CONFIG, type TransferConfig } from '../transfer.config.js';
import { Assignments } from './assignments.js';
import { DataSeen } from './data-seen/data-seen.js';
import { type ConnectionName, ConnectionNotes } from './presence/connection-notes.js';
import { ServerLease } from './presence/server-lease.js';
import { ReportHandler } from './report-handler.js';

/**
 * News for whichever replica holds an endpoint's connection: its wanted assignment may have changed. Without an
 * `endpointId` that of any endpoint may: such news were lost.
 */
export const ASSIGNMENT_CHANGED = 'landfall.transfer.assignment-changed';

/** The server's side of the control channel: endpoints enrol, connect, report and are told what to do. */
@Injectable()
export class ControlChannel implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #log = new Logger('ControlChannel');
  /** Connections that are recorded, and of which the endpoint's tasks know. */
  readonly #announced = new Set<string>();
  /** The newest assignment on its way to each endpoint. */
  readonly #assigning = new Map<string, Promise<void>>();
  readonly #http: Server = createServer();
  readonly #link: LinkServer;
  #unsubscribe: Unsubscribe = () => undefined;
  #stopMakingGood: Unsubscribe = () => undefined;
  #port = 0;
  #isClosing = false;

  constructor(
    private readonly bus: ServiceBus,
    private readonly enroller: Enroller,
    private readonly reports: ReportHandler,
    private readonly assignments: Assignments,
    private readonly lease: ServerLease,
    private readonly notes: ConnectionNotes,
    private readonly dataSeen: DataSeen,
    @Inject(TRANSFER_CONFIG) private readonly config: TransferConfig,
  ) {
    this.#link = new LinkServer({
      enroller: { enrol: (request) => this.#enrol(request) },
      authenticator: { authenticate: (id, credential) => enroller.authenticate(id, credential) },
      events: {
        onConnected: (connection, hello) => this.#onConnected(connection, hello),
        onDisconnected: (connection, reason) => this.#onDisconnected(connection, reason),
        onReport: ({ endpointId }, reportId, report, madeAt) =>
          this.#refusalAsAnswer(() => this.reports.handle(endpointId, reportId, report, madeAt)),
        onProgress: (endpoint, progress) => this.#onProgress(endpoint, progress),
      },
      log: (level, message) => (level === 'warn' ? this.#log.warn(message) : this.#log.log(message)),
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.lease.hold();
    const { LINK_HOST: host, LINK_PORT: port } = this.config;
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen(port, host, resolve);
    });
    this.#port = (this.#http.address() as AddressInfo).port;
    this.#link.attach(this.#http);
    this.#unsubscribe = await this.bus.subscribeToNews(ASSIGNMENT_CHANGED, (payload) => {
      this.#assignAgain((payload as { endpointId?: string } | null)?.endpointId);
    });
    // News of this replica to the others, and of the others to this one: whoever was away cannot know which were lost.
    this.#stopMakingGood = this.bus.onReturn(() => this.bus.publishNews(ASSIGNMENT_CHANGED, {}));
    // Endpoints may have come before NATS was there.
    this.#assignAgain();
    this.#log.log(`listens for endpoints on ${host}:${this.port}`);
  }

  /** The port in use, also when the configured one was 0. */
  get port(): number {
    return this.#port;
  }

  /** Connections end because this server does; that is no news of their endpoints. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** The connection in use of each endpoint that is connected to this server. */
  connections(): readonly (ConnectionName & { readonly isAnnounced: boolean })[] {
    return this.#link.connections().map(({ endpointId, connectionId }) => ({
      endpointId,
      connectionId,
      isAnnounced: this.#announced.has(connectionId),
    }));
  }

  /** Closes one connection; the endpoint dials again, and its credential is checked again. */
  close(connection: ConnectionName, reason: string): void {
    this.#log.log(`closes the connection of ${connection.endpointId}: ${reason}`);
    this.#link.disconnect(connection, reason);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#isClosing = true;
    this.#unsubscribe();
    this.#stopMakingGood();
    await this.#link.close();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async #enrol(request: EnrolRequest): ReturnType<LinkServerOptions['enroller']['enrol']> {
    try {
      return await this.enroller.enrol(request);
    } catch (error) {
      if (error instanceof DomainError) return { refused: error.code, message: `${error.message} ${error.remedy}` };
      throw error;
    }
  }

  async #refusalAsAnswer(
    work: () => Promise<void>,
  ): Promise<{ readonly acknowledged: true } | { readonly refused: string; readonly message: string }> {
    try {
      await work();
      return { acknowledged: true };
    } catch (error) {
      if (error instanceof DomainError) return { refused: error.code, message: error.message };
      throw error;
    }
  }

  async #onConnected(connection: EndpointConnection, hello: Hello): Promise<void> {
    await this.notes.connected(connection, hello);
    this.#announced.add(connection.connectionId);
    await this.#assign(connection.endpointId);
  }

  async #onDisconnected(connection: EndpointConnection, reason: string): Promise<void> {
    this.#announced.delete(connection.connectionId);
    // Endpoints do not go away because their server does: they dial another, or this one when it is back. Whoever has
    // not by the time that this server's lease has run out is found by the sweep for lost connections.
    if (this.#isClosing) return;
    try {
      await this.notes.disconnected(connection, reason);
    } catch (error) {
      this.#log.warn(`could not note that ${connection.endpointId} left; the sweep does later: ${String(error)}`);
    }
  }

  #onProgress({ kind }: LinkedEndpoint, progress: EndpointProgress): void {
    if (progress.activity !== 'serving') this.bus.publishNews(progressSubject(progress.taskId), progress);
    else if (kind === 'restorer') this.dataSeen.observe(progress, new Date());
  }

  /** @param endpointId left out: each of them. One that is not announced yet is told once it is, what is recorded by then. */
  #assignAgain(endpointId?: string): void {
    for (const connection of this.connections()) {
      if (!connection.isAnnounced) continue;
      if (endpointId === undefined || connection.endpointId === endpointId) void this.#assign(connection.endpointId);
    }
  }

  /** One after the other for each endpoint: what was worked out first must not be sent last. */
  async #assign(endpointId: string): Promise<void> {
    const assigned = (this.#assigning.get(endpointId) ?? Promise.resolve()).then(() => this.#assignNow(endpointId));
    this.#assigning.set(endpointId, assigned);
    await assigned;
    if (this.#assigning.get(endpointId) === assigned) this.#assigning.delete(endpointId);
  }

  async #assignNow(endpointId: string): Promise<void> {
    try {
      this.#link.assign(endpointId, await this.assignments.wantedOf(endpointId));
    } catch (error) {
      this.#log.warn(`could not work out the assignment of ${endpointId}: ${String(error)}`);
      // It would wait for ever for what it is not told. Once it can dial again, it is told what is wanted then.
      const connection = this.connections().find((candidate) => candidate.endpointId === endpointId);
      if (connection !== undefined) this.close(connection, 'its assignment could not be worked out just now');
    }
  }
}
