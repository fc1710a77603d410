import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { SweepingProvider } from '#libs/service-kit';
import { TRANSFER_CONFIG, type TransferConfig } from '../../transfer.config.js';
import { ControlChannel } from '../control-channel.js';
import { type ConnectionName, ConnectionNotes } from './connection-notes.js';
import { LEASE_SECONDS, ServerLease } from './server-lease.js';

const SWEEP_EVERY_MS = 2_000;
const LOST_PER_SWEEP = 100;

interface RecordedConnection extends ConnectionName {
  readonly serverId: string | null;
}

/**
 * Finds endpoints that count as connected and are not, and records that they have left: their server was killed, or
 * could not record it. The endpoint's stream decides, so a read model that is late does no harm.
 */
@Injectable()
export class LostConnectionSweeper extends SweepingProvider<RecordedConnection> {
  readonly #settleSeconds: number;

  constructor(
    private readonly dataSource: DataSource,
    private readonly lease: ServerLease,
    private readonly notes: ConnectionNotes,
    private readonly channel: ControlChannel,
    @Inject(TRANSFER_CONFIG) config: TransferConfig,
  ) {
    super({ name: 'the sweep for lost connections', everyMs: SWEEP_EVERY_MS });
    this.#settleSeconds = Math.max(config.DEADLINE_SETTLE_SECONDS, LEASE_SECONDS);
  }

  protected describe({ endpointId }: RecordedConnection): string {
    return `endpoint ${endpointId}`;
  }

  /**
   * Those of this server that it does not have, and those of servers without a lease. The latter only by a server that
   * has held its own without a gap for long enough: after an outage that all went through, the others, and the ends,
   * get the time to come back.
   */
  protected async due(): Promise<RecordedConnection[]> {
    const { serverId } = this.lease;
    return this.dataSource.query<RecordedConnection[]>(
      `SELECT id AS "endpointId", state->>'connectionId' AS "connectionId", state->>'serverId' AS "serverId"
       FROM endpoint
       WHERE state->>'connectionId' IS NOT NULL
         AND CASE WHEN state->>'serverId' = $1::text
           THEN state->>'connectionId' <> ALL($2::text[])
           ELSE NOT EXISTS (SELECT 1 FROM link_server
                            WHERE link_server.id::text = endpoint.state->>'serverId' AND expires_at > now())
             AND EXISTS (SELECT 1 FROM link_server
                         WHERE link_server.id::text = $1::text AND held_since <= now() - make_interval(secs => $3))
           END
       ORDER BY changed_at
       LIMIT ${LOST_PER_SWEEP}`,
      [serverId, this.#connectionIds(), this.#settleSeconds],
    );
  }

  protected async handle(connection: RecordedConnection): Promise<void> {
    if (connection.serverId !== this.lease.serverId) {
      await this.notes.disconnected(connection, 'the server that held the connection has ended');
      return;
    }
    // It may be newer than the list that the query was given, or have been ended by this server's own end.
    if (this.channel.isClosing || this.#connectionIds().includes(connection.connectionId)) return;
    await this.notes.disconnected(connection, 'the connection was lost while that could not be recorded');
  }

  #connectionIds(): string[] {
    return this.channel.connections().map(({ connectionId }) => connectionId);
  }
}
