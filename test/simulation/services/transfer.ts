import { AcknowledgedRanges } from '../../../apps/transfer/src/acknowledged-ranges/acknowledged-ranges.js';
import { Assignments } from '../../../apps/transfer/src/control-channel/assignments.js';
import { ASSIGNMENT_CHANGED } from '../../../apps/transfer/src/control-channel/control-channel.js';
import { DataSeen } from '../../../apps/transfer/src/control-channel/data-seen/data-seen.js';
import { ConnectionNotes } from '../../../apps/transfer/src/control-channel/presence/connection-notes.js';
import type { ServerLease } from '../../../apps/transfer/src/control-channel/presence/server-lease.js';
import { ReportHandler } from '../../../apps/transfer/src/control-channel/report-handler.js';
import type { EndpointEvent, EndpointState } from '../../../apps/transfer/src/endpoint/domain/endpoint.decider.js';
import { assignWhenReplicationChanged } from '../../../apps/transfer/src/policies/assign-when-replication-changed/assign-when-replication-changed.js';
import { noteAwayWhenEndpointLeft } from '../../../apps/transfer/src/policies/note-away-when-endpoint-left/note-away-when-endpoint-left.js';
import { ResumeDeadlineSweeper } from '../../../apps/transfer/src/policies/reach-deadlines-when-due/resume-deadline-sweeper.js';
import { revokeRestorerWhenTargetRemoved } from '../../../apps/transfer/src/policies/revoke-restorer-when-target-removed/revoke-restorer-when-target-removed.js';
import type { ReplicationEvent } from '../../../apps/transfer/src/replication/domain/replication.events.js';
import { type ReplicationState, dueAtOf } from '../../../apps/transfer/src/replication/domain/replication.state.js';
import { ReplicationController } from '../../../apps/transfer/src/replication/replication.controller.js';
import { parseTransferConfig } from '../../../apps/transfer/src/transfer.config.js';
import { type SourceMachineView, transferCalls } from '#libs/contracts';
import type { EventStoreDb } from '#libs/eventstore';
import type { ServiceBus } from '#libs/messaging';
import type { Random } from '../world/random.js';
import type { ReadModel } from '../world/read-model.js';
import type { SimulatedNats } from '../world/service-bus.js';
import { SECOND } from '../world/simulated-clock.js';
import { ControlChannel } from './control-channel.js';
import { answering, answersOf } from './controllers.js';
import { SeededEnroller } from './enrolment.js';
import type { LinkServers } from './link-servers.js';
import { postgresThatIsAhead } from './postgres.js';
import { presenceSweepers } from './presence.js';
import { type Ground, type ServiceParts, subscriberOf } from './service.js';
import { TimerTable } from './timers.js';

const CONFIG = parseTransferConfig({
  EVENTSTORE_URL: 'esdb://127.0.0.1:2113?tls=false',
  NATS_URL: 'nats://127.0.0.1:4222',
  DATABASE_URL: 'postgres://nobody@127.0.0.1/nothing',
});
export const DEADLINE_SETTLE_MS = CONFIG.DEADLINE_SETTLE_SECONDS * SECOND;
/** As of the real one. */
const SWEEP_EVERY_MS = 500;

/** Where ends find the server. */
export interface OpenDoor {
  readonly channel: ControlChannel;
  readonly enroller: SeededEnroller;
}

export interface TransferWorld {
  readonly nats: SimulatedNats;
  readonly random: Random;
  readonly linkServers: LinkServers;
  readonly endpointStates: ReadModel<EndpointState, EndpointEvent>;
  readonly replicationStates: ReadModel<ReplicationState, ReplicationEvent>;
  readonly sourceMachine: () => SourceMachineView;
  /** It is the newest process's. */
  readonly open: (door: OpenDoor) => void;
  /** A defect to be found: windows and retries of an earlier process are not known. */
  readonly areTimersInMemory: boolean;
}

export const transfer = (ground: Ground, world: TransferWorld): ServiceParts => {
  const { life, store, bus } = ground;
  const { replicationStates, endpointStates, linkServers, random, nats } = world;
  // The real classes ask for the adapters; the ports are all that they use.
  const adapter = store as unknown as EventStoreDb;
  const serviceBus = bus as unknown as ServiceBus;
  const postgres = postgresThatIsAhead({ find: tasksOfEndpointIn(replicationStates) });
  const lease = { serverId: random.uuid() } as ServerLease;
  linkServers.hold(lease.serverId, life);
  const ranges = new AcknowledgedRanges(adapter);
  const dataSeen = new DataSeen(serviceBus);
  void dataSeen.onApplicationBootstrap();
  const notes = new ConnectionNotes(adapter, postgres, lease);
  const reports = new ReportHandler(adapter, ranges);
  const assignments = new Assignments(adapter, postgres);
  const channel = new ControlChannel({ ...ground, random, reports, assignments, notes, dataSeen });
  const enroller = new SeededEnroller(ground, random);
  world.open({ channel, enroller });
  nats.listen(ASSIGNMENT_CHANGED, life, (payload) => {
    channel.assignmentChanged((payload as { endpointId?: string }).endpointId);
  });
  bus.onReturn(() => bus.publishNews(ASSIGNMENT_CHANGED, {}));
  return {
    answers: new Map([
      ...answersOf(new ReplicationController(adapter, postgres, ranges)),
      enroller.answer,
      answering(transferCalls.getSourceMachine, async () => world.sourceMachine()),
    ]),
    subscribers: [
      endpointStates.subscriber(),
      replicationStates.subscriber(),
      subscriberOf(assignWhenReplicationChanged(store, postgres, serviceBus)),
      subscriberOf(noteAwayWhenEndpointLeft(store, postgres)),
      subscriberOf(revokeRestorerWhenTargetRemoved(store)),
    ],
    tasks: [
      deadlineSweeper(adapter, dataSeen, ground, world),
      ...presenceSweepers(ground, { endpointStates, linkServers, channel, lease, notes, config: CONFIG }),
    ],
  };
};

const opensTimer = ({ type }: ReplicationEvent): boolean => type === 'ResumeWindowOpened' || type === 'RetryScheduled';

const deadlineSweeper = (
  store: EventStoreDb,
  dataSeen: DataSeen,
  { life }: Ground,
  { replicationStates: readModel, areTimersInMemory }: TransferWorld,
) => {
  const opensInMemory = areTimersInMemory ? opensTimer : null;
  const timing = { everyMs: SWEEP_EVERY_MS, settleMs: DEADLINE_SETTLE_MS };
  const table = new TimerTable({ life, readModel, dueAtOf, ...timing, opensInMemory });
  const postgres = postgresThatIsAhead({ find: () => table.due() });
  const real = new ResumeDeadlineSweeper(store, postgres, dataSeen, CONFIG);
  return table.sweeper((now) => real.sweep(now));
};

/** As the query of `tasksOfEndpoint` does it; there is one task in each world. */
const tasksOfEndpointIn =
  (readModel: ReadModel<ReplicationState, ReplicationEvent>) =>
  ({ where }: { readonly where: unknown }): { id: string }[] => {
    const [asSource] = where as readonly { readonly sourceMachineId?: string }[];
    const endpointId = asSource?.sourceMachineId;
    return [...readModel.rows].flatMap(([id, state]) =>
      state !== null && (state.sourceMachineId === endpointId || state.restorerId === endpointId) ? [{ id }] : [],
    );
  };
