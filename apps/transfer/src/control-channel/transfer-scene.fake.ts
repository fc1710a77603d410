import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { type Assignment, type EndpointKind, replicationSettings } from '#libs/contracts';
import { EndpointLink } from '#libs/endpoint-link';
import { type Aggregate, type CommandContext, type DomainEvent, handleCommand, load } from '#libs/eventsourcing';
import type { EventStoreDb } from '#libs/eventstore';
import { createDatabase } from '#libs/local-stack';
import type { ServiceBus } from '#libs/messaging';
import { type Projection, openReadModelStore } from '#libs/projections';
import { AcknowledgedRanges } from '../acknowledged-ranges/acknowledged-ranges.js';
import type { EndpointCommand } from '../endpoint/domain/endpoint.decider.js';
import { endpoints } from '../endpoint/endpoint.aggregate.js';
import { EndpointRow, createEndpoint, endpointProjection } from '../endpoint/read-model/source-machine.projection.js';
import { Enroller } from '../enrolment/enroller.js';
import type { ReplicationCommand } from '../replication/domain/replication.commands.js';
import {
  ReplicationRow,
  createReplication,
  refoldReplication,
  replicationProjection,
} from '../replication/read-model/replication.projection.js';
import { replications } from '../replication/replication.aggregate.js';
import { EXPORTS, ORDER } from '../replication/replication.examples.js';
import { parseTransferConfig } from '../transfer.config.js';
import { Assignments } from './assignments.js';
import { ControlChannel } from './control-channel.js';
import { DataSeen } from './data-seen/data-seen.js';
import { ConnectionNotes } from './presence/connection-notes.js';
import { CreateLinkServer1700000006000 } from './presence/link-server.table.js';
import { LostConnectionSweeper } from './presence/lost-connection-sweeper.js';
import { ServerLease } from './presence/server-lease.js';
import { StaleConnectionSweeper } from './presence/stale-connection-sweeper.js';
import { ReportHandler } from './report-handler.js';

/** One process of the transfer service, but for its readers and its timers: those are moved by hand. */
export interface Server {
  readonly begun: Promise<unknown>;
  readonly lease: ServerLease;
  readonly channel: ControlChannel;
  readonly dataSeen: DataSeen;
  readonly lost: LostConnectionSweeper;
  readonly stale: StaleConnectionSweeper;
  /** In order, as at a SIGTERM. */
  end(): Promise<void>;
}

export interface Identity {
  readonly endpointId: string;
  readonly credential: string;
}

/** An agent or restorer that dials a server and remembers what it was told. */
export interface End {
  readonly link: EndpointLink;
  readonly assignments: readonly Assignment[];
  /** Rejects when the server refuses it for good. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** A task with two enrolled ends. */
export interface Migration {
  readonly taskId: string;
  readonly agent: Identity;
  readonly restorer: Identity;
}

export const openTransferDatabase = async (databaseUrl: string): Promise<DataSource> =>
  openReadModelStore({
    url: await createDatabase(databaseUrl, `transfer_${randomUUID().replaceAll('-', '')}`),
    schema: 'transfer',
    entities: [EndpointRow, ReplicationRow],
    migrations: [createEndpoint, createReplication, refoldReplication, CreateLinkServer1700000006000],
  });

export const transferConfig = (changes: NodeJS.ProcessEnv = {}): ReturnType<typeof parseTransferConfig> =>
  parseTransferConfig({
    EVENTSTORE_URL: 'esdb://127.0.0.1:1',
    NATS_URL: 'nats://127.0.0.1:1',
    DATABASE_URL: 'postgres://127.0.0.1:1',
    LINK_PORT: '0',
    DEADLINE_SETTLE_SECONDS: '0',
    ...changes,
  });

/** Servers, ends and histories for specs of the transfer service, on real stores. */
export class TransferScene {
  readonly #enroller: Enroller;
  readonly #running: { end(): Promise<void> }[] = [];
  /** How many events of each stream the read models have. */
  readonly #projected = new Map<string, number>();

  constructor(
    readonly store: EventStoreDb,
    readonly dataSource: DataSource,
    readonly bus: ServiceBus,
  ) {
    this.#enroller = new Enroller(store);
  }

  async startServer(settings: NodeJS.ProcessEnv = {}): Promise<Server> {
    const server = this.beginServer(settings);
    await server.begun;
    return server;
  }

  /** As long as NATS is away it goes on beginning, and takes endpoints meanwhile. */
  beginServer(settings: NodeJS.ProcessEnv = {}): Server {
    const { store, dataSource, bus } = this;
    const config = transferConfig(settings);
    const lease = new ServerLease(dataSource);
    const notes = new ConnectionNotes(store, dataSource, lease);
    const dataSeen = new DataSeen(bus);
    const reports = new ReportHandler(store, new AcknowledgedRanges(store));
    const assignments = new Assignments(store, dataSource);
    const channel = new ControlChannel(bus, this.#enroller, reports, assignments, lease, notes, dataSeen, config);
    const begun = Promise.all([dataSeen.onApplicationBootstrap(), channel.onApplicationBootstrap()]);
    let isEnded = false;
    const server: Server = {
      begun,
      lease,
      channel,
      dataSeen,
      lost: new LostConnectionSweeper(dataSource, lease, notes, channel, config),
      stale: new StaleConnectionSweeper(store, dataSource, channel),
      end: async () => {
        if (isEnded) return;
        isEnded = true;
        await channel.beforeApplicationShutdown();
        await lease.beforeApplicationShutdown();
        dataSeen.beforeApplicationShutdown();
      },
    };
    this.#running.push(server);
    return server;
  }

  startEnd(
    server: Server,
    { endpointId, credential }: Identity,
    inHand: string | null = null,
    dataCertificate?: string,
  ): End {
    const abort = new AbortController();
    const link = new EndpointLink({
      credential: { serverUrl: `http://127.0.0.1:${server.channel.port}`, endpointId, credential },
      software: 'test',
      assignmentInHand: () => inHand,
      dataCertificate,
      random: () => 0,
    });
    const assignments: Assignment[] = [];
    link.onAssignment((assignment) => assignments.push(assignment));
    const ended = link.run(abort.signal);
    ended.catch(() => undefined);
    const stop = async (): Promise<void> => {
      abort.abort();
      await ended.catch(() => undefined);
    };
    this.#running.push({ end: stop });
    return { link, assignments, ended, stop };
  }

  async enrol(kind: EndpointKind): Promise<Identity> {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const { token } = await this.#enroller.issue(kind, null, expiresAt, newContext());
    return this.#enroller.enrol({ token, kind, name: 'web1' });
  }

  /** A full round has begun, and the disks are served; the read models know of it. */
  async startMigration(settings: Partial<typeof ORDER.settings> = {}): Promise<Migration & { roundId: string }> {
    const [agent, restorer] = [await this.enrol('agent'), await this.enrol('restorer')];
    const taskId = randomUUID();
    const ends = { sourceMachineId: agent.endpointId, restorerId: restorer.endpointId };
    const order = {
      ...ORDER,
      taskId,
      ...ends,
      settings: replicationSettings.parse({ ...ORDER.settings, ...settings }),
    };
    await this.tell(taskId, { type: 'StartFullSync', replication: order });
    const { state } = await load(this.store, replications, taskId);
    const roundId = state?.round?.roundId ?? '';
    await this.tell(taskId, { type: 'NoteExportsOpened', roundId, attempt: 1, exports: EXPORTS });
    await this.project(taskId, agent.endpointId, restorer.endpointId);
    return { taskId, agent, restorer, roundId };
  }

  async tell(taskId: string, command: ReplicationCommand, now = new Date().toISOString()): Promise<void> {
    await handleCommand(this.store, replications, taskId, command, { ...newContext(), now });
  }

  async tellEndpoint(endpointId: string, command: EndpointCommand): Promise<void> {
    await handleCommand(this.store, endpoints, endpointId, command, newContext());
  }

  /** What was recorded of a replication, or of an endpoint, in order. */
  async replicationEvents(taskId: string): Promise<readonly DomainEvent[]> {
    return (await load(this.store, replications, taskId)).events;
  }
  async endpointEvents(endpointId: string): Promise<readonly DomainEvent[]> {
    return (await load(this.store, endpoints, endpointId)).events;
  }

  /** Brings the read models of these tasks and endpoints up to date, as their readers would. */
  async project(...ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await this.#project(endpoints, endpointProjection, id);
      await this.#project(replications, replicationProjection, id);
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((running) => running.end()));
  }

  async #project<Event extends DomainEvent>(
    { category }: Pick<Aggregate<unknown, never, Event>, 'category'>,
    projection: Projection,
    id: string,
  ): Promise<void> {
    const name = `${category}-${id}`;
    const events = await this.store.readStream(name);
    for (const event of events.slice(this.#projected.get(name) ?? 0)) {
      await this.dataSource.transaction((manager) => projection.apply(event, manager));
    }
    this.#projected.set(name, events.length);
  }
}

const newContext = (): CommandContext => ({
  commandId: randomUUID(),
  correlationId: randomUUID(),
  causationId: randomUUID(),
  actor: 'operator:spec',
  now: new Date().toISOString(),
});
