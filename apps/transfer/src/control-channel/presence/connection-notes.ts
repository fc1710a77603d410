import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { EndpointConnection, Hello } from '#libs/endpoint-link';
import { type CommandContext, eventIdOf, handleCommand, load, reactionIdOf } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import type { EndpointCommand } from '../../endpoint/domain/endpoint.decider.js';
import { endpoints } from '../../endpoint/endpoint.aggregate.js';
import { ServerLease } from './server-lease.js';
import { tellTasks } from './tell-tasks.js';

export type ConnectionName = Pick<EndpointConnection, 'endpointId' | 'connectionId'>;

type Note = Extract<EndpointCommand, { type: 'NoteConnected' | 'NoteDisconnected' }>;

/** Records which connections endpoints have. Who notes the same twice, here or elsewhere, records it once. */
@Injectable()
export class ConnectionNotes {
  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
    private readonly lease: ServerLease,
  ) {}

  /** Also tells the endpoint's tasks that it is back, and with what in hand. @throws DomainError when it is revoked */
  async connected(connection: EndpointConnection, { software, assignmentId, dataCertificate }: Hello): Promise<void> {
    const { endpointId, connectionId, kind } = connection;
    const { serverId } = this.lease;
    const noted = { type: 'NoteConnected', connectionId, software, serverId, dataCertificate } as const;
    const connected = await this.#note(connection, noted);
    const note = { type: 'NoteEndConnected', end: kind, inHand: assignmentId, at: connected.now } as const;
    await tellTasks(this.store, this.dataSource, endpointId, note, {
      ...connected,
      causationId: eventIdOf(connected.commandId, 0),
    });
  }

  /** Changes nothing when the endpoint has another connection by now. Its tasks are told by a policy. */
  async disconnected(connection: ConnectionName, reason: string): Promise<void> {
    await this.#note(connection, { type: 'NoteDisconnected', connectionId: connection.connectionId, reason });
  }

  async #note({ endpointId, connectionId }: ConnectionName, note: Note): Promise<CommandContext> {
    const commandId = reactionIdOf(connectionId, note.type);
    const context: CommandContext = {
      commandId,
      correlationId: (await this.#migrationOf(endpointId)) ?? connectionId,
      causationId: commandId,
      actor: `endpoint:${endpointId}`,
      now: new Date().toISOString(),
    };
    await handleCommand(this.store, endpoints, endpointId, note, context);
    return context;
  }

  /** A restore environment was enrolled for one migration, to whose story its connections belong; an agent outlives it. */
  async #migrationOf(endpointId: string): Promise<string | null> {
    const { state, persisted } = await load(this.store, endpoints, endpointId);
    return state?.kind === 'restorer' ? (persisted[0]?.metadata.correlationId ?? null) : null;
  }
}
