import type { Lifetime } from '../world/lifetime.js';
import type { Random } from '../world/random.js';
import { SECOND } from '../world/simulated-clock.js';

/** As of the real ones. */
export const LEASE_MS = 15 * SECOND;
const RENEW_EVERY_MS = 5 * SECOND;

interface Row {
  readonly heldSinceMs: number;
  /** Infinity while the process lives, and renews it. */
  expiresMs: number;
}

/** The table of processes that hold connections of endpoints, each for as long as it renews its row. */
export class LinkServers {
  readonly #rows = new Map<string, Row>();

  constructor(private readonly random: Random) {}

  /** A process begins, and renews its lease until it is killed, which is some time after the last renewal. */
  hold(serverId: string, life: Lifetime): void {
    const row: Row = { heldSinceMs: life.clock.nowMs, expiresMs: Infinity };
    this.#rows.set(serverId, row);
    life.onEnd(() => (row.expiresMs = life.clock.nowMs + LEASE_MS - this.random.integer(0, RENEW_EVERY_MS)));
  }

  /** From when on a server counts as gone, at the latest known; Infinity: it lives. */
  goneFromMs(serverId: string): number {
    return this.#rows.get(serverId)?.expiresMs ?? 0;
  }

  heldSinceMs(serverId: string): number {
    return this.#rows.get(serverId)?.heldSinceMs ?? Infinity;
  }
}
