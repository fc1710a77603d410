import { randomUUID } from 'node:crypto';
import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Sweeper } from '#libs/projections';

/** Longer than ends take to dial again: whoever was connected to a server that ends is back elsewhere before. */
export const LEASE_SECONDS = 15;
const RENEW_EVERY_MS = 5_000;

/**
 * That this process is there, for the others to see: a process that is killed cannot say which endpoints it leaves
 * behind, but its lease runs out. One that ends in order lets it run out, too, and records nothing: its endpoints have
 * not gone away, they dial another replica, or this one after its restart. All times are those of the database.
 */
@Injectable()
export class ServerLease implements BeforeApplicationShutdown {
  readonly serverId = randomUUID();
  readonly #renewal: Sweeper<string>;

  constructor(private readonly dataSource: DataSource) {
    this.#renewal = new Sweeper(
      {
        name: 'the renewal of the lease',
        everyMs: RENEW_EVERY_MS,
        settleMs: RENEW_EVERY_MS,
        due: async () => [this.serverId],
        handle: () => this.renew(),
        describe: (serverId) => `server ${serverId}`,
      },
      new Logger('ServerLease'),
    );
  }

  /** Must be held before the first connection is noted: to others, one of a server without a lease is lost. */
  async hold(): Promise<void> {
    await this.dataSource.query(`DELETE FROM link_server WHERE expires_at < now() - interval '1 day'`);
    await this.renew();
    this.#renewal.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#renewal.stop();
  }

  /** A lease that had run out, because the database was away or this process stood still, is held anew. */
  async renew(): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO link_server (id, held_since, expires_at) VALUES ($1, now(), now() + make_interval(secs => $2))
       ON CONFLICT (id) DO UPDATE SET
         held_since = CASE WHEN link_server.expires_at <= now() THEN now() ELSE link_server.held_since END,
         expires_at = EXCLUDED.expires_at`,
      [this.serverId, LEASE_SECONDS],
    );
  }
}
