import type { ControlChannel as RealControlChannel } from '../../../apps/transfer/src/control-channel/control-channel.js';
import type { ConnectionNotes } from '../../../apps/transfer/src/control-channel/presence/connection-notes.js';
import { LostConnectionSweeper } from '../../../apps/transfer/src/control-channel/presence/lost-connection-sweeper.js';
import type { ServerLease } from '../../../apps/transfer/src/control-channel/presence/server-lease.js';
import { StaleConnectionSweeper } from '../../../apps/transfer/src/control-channel/presence/stale-connection-sweeper.js';
import type { EndpointEvent, EndpointState } from '../../../apps/transfer/src/endpoint/domain/endpoint.decider.js';
import type { TransferConfig } from '../../../apps/transfer/src/transfer.config.js';
import type { EventStoreDb } from '#libs/eventstore';
import type { ReadModel } from '../world/read-model.js';
import { SECOND } from '../world/simulated-clock.js';
import { Sweeper } from '../world/sweeper.js';
import type { ControlChannel } from './control-channel.js';
import { LEASE_MS, type LinkServers } from './link-servers.js';
import { postgresThatIsAhead } from './postgres.js';
import type { Ground } from './service.js';

/** As of the real ones. */
const SWEEP_EVERY_MS = 2 * SECOND;

export interface PresenceWorld {
  readonly endpointStates: ReadModel<EndpointState, EndpointEvent>;
  readonly linkServers: LinkServers;
  readonly channel: ControlChannel;
  readonly lease: ServerLease;
  readonly notes: ConnectionNotes;
  readonly config: TransferConfig;
}

interface Recorded {
  readonly endpointId: string;
  readonly connectionId: string;
  readonly serverId: string | null;
}

/** The two sweepers that keep what is recorded of connections true, over the simulation's tables. */
export const presenceSweepers = (ground: Ground, world: PresenceWorld): readonly Sweeper[] => [
  lostConnections(ground, world),
  staleConnections(ground, world),
];

const onChange =
  ({ endpointStates, channel }: PresenceWorld) =>
  (listener: () => void): (() => void) => {
    const forgets = [endpointStates.onApplied(listener), channel.onChange(listener)];
    return () => forgets.forEach((forget) => forget());
  };

const recordedIn = ({ endpointStates }: PresenceWorld): Recorded[] =>
  [...endpointStates.rows].flatMap(([endpointId, state]) =>
    state?.connectionId == null ? [] : [{ endpointId, connectionId: state.connectionId, serverId: state.serverId }],
  );

const lostConnections = ({ life }: Ground, world: PresenceWorld): Sweeper => {
  const { channel, lease, linkServers, notes, config } = world;
  const settleMs = Math.max(config.DEADLINE_SETTLE_SECONDS * SECOND, LEASE_MS);
  /** From when on the statement of the sweeper finds a connection; Infinity: it does not. */
  const lostFromMs = ({ connectionId, serverId }: Recorded): number => {
    if (serverId === lease.serverId) {
      return channel.connections().some((own) => own.connectionId === connectionId) ? Infinity : life.clock.nowMs;
    }
    const goneFromMs = serverId === null ? 0 : linkServers.goneFromMs(serverId);
    return Math.max(goneFromMs, linkServers.heldSinceMs(lease.serverId) + settleMs);
  };
  const query = (): Recorded[] => recordedIn(world).filter((recorded) => lostFromMs(recorded) <= life.clock.nowMs);
  const sweeper = new LostConnectionSweeper(
    postgresThatIsAhead({ query }),
    lease,
    notes,
    channel as unknown as RealControlChannel,
    config,
  );
  const worthwhileMs = (): number | null => {
    const firstMs = Math.min(...recordedIn(world).map(lostFromMs));
    return firstMs === Infinity ? null : firstMs;
  };
  return new Sweeper({
    life,
    everyMs: SWEEP_EVERY_MS,
    settleMs: 0,
    worthwhileMs,
    onChange: onChange(world),
    sweep: () => sweeper.sweep(),
  });
};

const staleConnections = ({ life, store }: Ground, world: PresenceWorld): Sweeper => {
  const { channel, endpointStates } = world;
  const query = (): Pick<Recorded, 'endpointId' | 'connectionId'>[] =>
    channel.connections().filter(({ endpointId, connectionId, isAnnounced }) => {
      const row = endpointStates.stateOf(endpointId);
      return isAnnounced && (row?.connectionId !== connectionId || row.revokedAt !== null);
    });
  const sweeper = new StaleConnectionSweeper(
    store as unknown as EventStoreDb,
    postgresThatIsAhead({ query }),
    channel as unknown as RealControlChannel,
  );
  return new Sweeper({
    life,
    everyMs: SWEEP_EVERY_MS,
    settleMs: 0,
    worthwhileMs: () => (query().length === 0 ? null : life.clock.nowMs),
    onChange: onChange(world),
    sweep: () => sweeper.sweep(),
  });
};
