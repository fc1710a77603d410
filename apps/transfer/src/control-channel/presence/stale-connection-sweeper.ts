import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { load } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { SweepingProvider } from '#libs/service-kit';
import type { EndpointState } from '../../endpoint/domain/endpoint.decider.js';
import { endpoints } from '../../endpoint/endpoint.aggregate.js';
import { ControlChannel } from '../control-channel.js';
import type { ConnectionName } from './connection-notes.js';

const SWEEP_EVERY_MS = 2_000;

/**
 * Closes connections that this server has and should not have: of an endpoint that was revoked, or that the history
 * does not know as connected in this way, because another server took this one for dead or the endpoint dialled
 * another. The end dials again, and is told where it stands. That needs no news, which may be lost.
 */
@Injectable()
export class StaleConnectionSweeper extends SweepingProvider<ConnectionName> {
  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
    private readonly channel: ControlChannel,
  ) {
    super({ name: 'the sweep for stale connections', everyMs: SWEEP_EVERY_MS });
  }

  protected describe({ endpointId }: ConnectionName): string {
    return `endpoint ${endpointId}`;
  }

  /** By the read model, which may be late. */
  protected async due(): Promise<ConnectionName[]> {
    const announced = this.channel.connections().filter(({ isAnnounced }) => isAnnounced);
    return this.dataSource.query<ConnectionName[]>(
      `SELECT own."endpointId", own."connectionId"
       FROM unnest($1::text[], $2::text[]) AS own ("endpointId", "connectionId")
       LEFT JOIN endpoint ON endpoint.id = own."endpointId"
       WHERE state->>'connectionId' IS DISTINCT FROM own."connectionId" OR state->>'revokedAt' IS NOT NULL`,
      [announced.map(({ endpointId }) => endpointId), announced.map(({ connectionId }) => connectionId)],
    );
  }

  protected async handle(connection: ConnectionName): Promise<void> {
    const { state } = await load(this.store, endpoints, connection.endpointId);
    const fault = faultOf(connection, state);
    if (fault !== null) this.channel.close(connection, fault);
  }
}

/** Why an announced connection is not to go on; null when it is. */
const faultOf = ({ connectionId }: ConnectionName, state: EndpointState): string | null => {
  if (typeof state?.revokedAt === 'string') return 'the endpoint was revoked';
  return state?.connectionId === connectionId ? null : 'another connection of the endpoint is in use, or none';
};
