import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { load } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { Sweeper } from '#libs/projections';
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
export class StaleConnectionSweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #sweeper: Sweeper<ConnectionName>;

  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
    private readonly channel: ControlChannel,
  ) {
    this.#sweeper = new Sweeper(
      {
        name: 'the sweep for stale connections',
        everyMs: SWEEP_EVERY_MS,
        due: () => this.#suspect(),
        handle: (connection) => this.#judge(connection),
        describe: ({ endpointId }) => `endpoint ${endpointId}`,
      },
      new Logger('StaleConnectionSweeper'),
    );
  }

  onApplicationBootstrap(): void {
    this.#sweeper.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#sweeper.stop();
  }

  async sweep(): Promise<void> {
    await this.#sweeper.sweep(new Date());
  }

  /** By the read model, which may be late. */
  async #suspect(): Promise<ConnectionName[]> {
    const announced = this.channel.connections().filter(({ isAnnounced }) => isAnnounced);
    return this.dataSource.query<ConnectionName[]>(
      `SELECT own."endpointId", own."connectionId"
       FROM unnest($1::text[], $2::text[]) AS own ("endpointId", "connectionId")
       LEFT JOIN endpoint ON endpoint.id = own."endpointId"
       WHERE state->>'connectionId' IS DISTINCT FROM own."connectionId" OR state->>'revokedAt' IS NOT NULL`,
      [announced.map(({ endpointId }) => endpointId), announced.map(({ connectionId }) => connectionId)],
    );
  }

  async #judge(connection: ConnectionName): Promise<void> {
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
