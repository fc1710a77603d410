import { randomUUID } from 'node:crypto';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type EndpointProgress, type EnrolRequest, progressSubject } from '#libs/contracts';
import { type CommandContext, DomainError, handleCommand, reactionIdOf } from '#libs/eventsourcing';
import { LinkServer, type LinkedEndpoint } from '#libs/endpoint-link';
import { EventStoreDb } from '#libs/eventstore';
import { ServiceBus, type Unsubscribe } from '#libs/messaging';
import { endpoints } from '../endpoint/endpoint.aggregate.js';
import { Enroller } from '../enrolment/enroller.js';
import { TRANSFER_CONFIG, type TransferConfig } from '../transfer.config.js';
import { Assignments } from './assignments.js';
import { ReportHandler } from './report-handler.js';

/** News for whichever replica holds an endpoint's connection: its wanted assignment may have changed. */
export const ASSIGNMENT_CHANGED = 'landfall.transfer.assignment-changed';

/** The server's side of the control channel: endpoints enrol, connect, report and are told what to do. */
@Injectable()
export class ControlChannel implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #log = new Logger('ControlChannel');
  readonly #connections = new Map<string, string>();
  readonly #http: Server = createServer();
  readonly #link: LinkServer;
  #unsubscribe: Unsubscribe = () => undefined;

  constructor(
    private readonly store: EventStoreDb,
    private readonly bus: ServiceBus,
    private readonly enroller: Enroller,
    private readonly reports: ReportHandler,
    private readonly assignments: Assignments,
    @Inject(TRANSFER_CONFIG) private readonly config: TransferConfig,
  ) {
    this.#link = new LinkServer({
      enroller: { enrol: (request) => this.#enrol(request) },
      authenticator: { authenticate: (id, credential) => enroller.authenticate(id, credential) },
      events: {
        onConnected: (endpoint, hello) => this.#onConnected(endpoint, hello.software),
        onDisconnected: (endpoint, reason) => this.#onDisconnected(endpoint, reason),
        onReport: (endpoint, reportId, report) =>
          this.#refusalAsAnswer(() => this.reports.handle(endpoint.endpointId, reportId, report)),
        onProgress: (_endpoint, progress) => this.#onProgress(progress),
      },
      log: (level, message) => (level === 'warn' ? this.#log.warn(message) : this.#log.log(message)),
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    const { LINK_HOST: host, LINK_PORT: port } = this.config;
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen(port, host, resolve);
    });
    this.#link.attach(this.#http);
    this.#unsubscribe = await this.bus.subscribeToNews(ASSIGNMENT_CHANGED, (payload) => {
      const endpointId = (payload as { endpointId?: unknown } | null)?.endpointId;
      if (typeof endpointId === 'string') void this.#assign(endpointId);
    });
    this.#log.log(`listens for endpoints on ${host}:${this.port}`);
  }

  /** The port in use, also when the configured one was 0. */
  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  async onApplicationShutdown(): Promise<void> {
    this.#unsubscribe();
    await this.#link.close();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async #enrol(request: EnrolRequest): ReturnType<ConstructorParameters<typeof LinkServer>[0]['enroller']['enrol']> {
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

  async #onConnected(endpoint: LinkedEndpoint, software: string): Promise<void> {
    const connectionId = randomUUID();
    this.#connections.set(endpoint.endpointId, connectionId);
    await this.#note(endpoint.endpointId, connectionId, { type: 'NoteConnected', connectionId, software });
    await this.#assign(endpoint.endpointId);
  }

  async #onDisconnected(endpoint: LinkedEndpoint, reason: string): Promise<void> {
    const connectionId = this.#connections.get(endpoint.endpointId);
    if (connectionId === undefined) return;
    this.#connections.delete(endpoint.endpointId);
    try {
      await this.#note(endpoint.endpointId, connectionId, { type: 'NoteDisconnected', connectionId, reason });
    } catch (error) {
      // The next connection replaces this one in the history; nothing depends on the note.
      this.#log.warn(`could not note that ${endpoint.endpointId} left: ${String(error)}`);
    }
  }

  async #note(
    endpointId: string,
    connectionId: string,
    command:
      | { type: 'NoteConnected'; connectionId: string; software: string }
      | { type: 'NoteDisconnected'; connectionId: string; reason: string },
  ): Promise<void> {
    const context: CommandContext = {
      commandId: reactionIdOf(connectionId, command.type),
      correlationId: connectionId,
      causationId: connectionId,
      actor: `endpoint:${endpointId}`,
      now: new Date().toISOString(),
    };
    await handleCommand(this.store, endpoints, endpointId, command, context);
  }

  #onProgress(progress: EndpointProgress): void {
    this.bus.publishNews(progressSubject(progress.taskId), progress);
  }

  async #assign(endpointId: string): Promise<void> {
    if (!this.#link.connectedEndpoints().some((endpoint) => endpoint.endpointId === endpointId)) return;
    try {
      this.#link.assign(endpointId, await this.assignments.wantedOf(endpointId));
    } catch (error) {
      this.#log.warn(`could not work out the assignment of ${endpointId}: ${String(error)}`);
    }
  }
}
