import { randomOf } from './random-of.js';
import { AgentHost } from '../ends/agent-host.js';
import { BLOCK_BYTES } from '../ends/contents.js';
import { Hypervisor } from '../ends/hypervisor.js';
import { OpenExports } from '../ends/open-exports.js';
import { SourceMachine } from '../ends/source-machine.js';
import { startRestorer } from '../ends/start-restorer.js';
import { TargetMachine } from '../ends/target-machine.js';
import type { PathName } from '../faults/planned-fault.js';
import { type Manners, type Plan, calm } from '../run/plan.js';
import { cutover } from '../services/cutover.js';
import { planning } from '../services/planning.js';
import { provisioning } from '../services/provisioning.js';
import { type Ground, Service, type ServiceName, type ServiceParts } from '../services/service.js';
import { LinkServers } from '../services/link-servers.js';
import { type OpenDoor, transfer } from '../services/transfer.js';
import { endpoints, migrationTasks, replications, targetVms } from './aggregates.js';
import { EventLog } from './event-log.js';
import { type Furniture, furnish } from './furniture.js';
import { Lifetime } from './lifetime.js';
import { type Fact, LiveFolds } from './live-folds.js';
import { Path } from './network.js';
import type { Observation } from './observation.js';
import { ReadModel } from './read-model.js';
import type { ReaderWorld } from './reader.js';
import { BusClient, SimulatedNats } from './service-bus.js';
import { SimulatedClock } from './simulated-clock.js';
import type { StoreAccess } from './store-client.js';
import { Trail } from './trail.js';

/** Whoever looks on. */
export interface Onlooker {
  observed?(observation: Observation): void;
  recorded?(fact: Fact): void;
}

const CHANCE_OF_TWICE = 0.02;

/** One migration's world: the services, what they stand on, both ends, and the ways between all of them. */
export class World {
  readonly clock = new SimulatedClock();
  readonly trail = new Trail(this.clock);
  readonly log = new EventLog();
  readonly folds: LiveFolds;
  readonly checkpoints = new Map<string, number>();
  readonly replicationStates = new ReadModel('replication-projection', replications);
  readonly endpointStates = new ReadModel('endpoint-projection', endpoints);
  readonly vmStates = new ReadModel('target-vm-projection', targetVms);
  readonly taskStates = new ReadModel('migration-task-projection', migrationTasks);
  readonly nats: SimulatedNats;
  readonly access: StoreAccess;
  readonly paths: Readonly<Record<PathName, Path>>;
  readonly exports = new OpenExports();
  readonly source: SourceMachine;
  readonly agent: AgentHost;
  readonly hypervisor: Hypervisor;
  readonly services: Readonly<Record<ServiceName, Service>>;
  /** What is there before the task: a site, and a machine whose agent has enrolled. */
  readonly furniture: Furniture;
  readonly #manners: Manners;
  readonly #onlookers: Onlooker[] = [];
  #door: OpenDoor | null = null;
  #isCalm = false;

  /** @param onBroken told of what no program should ever do */
  constructor(
    readonly plan: Plan,
    private readonly onBroken: (what: string) => void,
  ) {
    const { clock, trail, log } = this;
    const random = randomOf(plan.seed);
    // Changed in place when everything is to become calm.
    this.#manners = structuredClone(plan.manners);
    const { network, store, bus } = this.#manners;
    this.folds = new LiveFolds(log, (fact) => this.#tell((onlooker) => onlooker.recorded?.(fact)));
    this.nats = new SimulatedNats(bus, random('nats'), (kind, subject) => trail.fault(kind, subject));
    this.access = {
      log,
      manner: store,
      random: random('store'),
      isAway: false,
      backSinceMs: 0,
      onFault: (kind) => trail.fault(kind),
    };
    const path = (name: PathName): Path => new Path(name, clock, random(`path ${name}`), network);
    this.paths = { data: path('data'), agent: path('agent'), restorer: path('restorer') };
    this.source = new SourceMachine(plan.source, clock, random('source'), (seen) => this.#observe(seen));
    this.furniture = furnish(this.source, random('furniture'));
    this.agent = this.#makeAgent(random);
    this.hypervisor = this.#makeHypervisor(random);
    this.services = this.#makeServices(random);
  }

  /** Everything that is running begins. */
  async begin(): Promise<void> {
    await this.furniture.record(this.log, this.clock);
    for (const service of Object.values(this.services)) service.start();
    this.agent.start();
    this.source.begin();
  }

  lookOn(onlooker: Onlooker): void {
    this.#onlookers.push(onlooker);
  }

  /** From now on, nothing goes wrong by chance. */
  becomeCalm(): void {
    this.#isCalm = true;
    const manners = calm(this.#manners);
    for (const name of Object.keys(manners) as (keyof Manners)[]) Object.assign(this.#manners[name], manners[name]);
  }

  /** A way to the services that outlives them all. */
  person(): { readonly life: Lifetime; readonly bus: BusClient } {
    const life = new Lifetime(this.clock);
    return { life, bus: new BusClient(this.nats, life) };
  }

  #makeAgent(random: RandomOf): AgentHost {
    const { clock, paths, exports, source, plan } = this;
    const chance = random('agent sends twice');
    return new AgentHost({
      clock,
      random: random('agent'),
      ids: random('agent ids'),
      manner: this.#manners.agent,
      source,
      dataPath: paths.data,
      controlPath: paths.agent,
      exports,
      door: () => this.#openDoor(),
      credential: this.furniture.agent,
      clockOffsetMs: plan.clockOffsetMs.agent,
      observe: (seen) => this.#observe(seen),
      sendsTwice: () => this.#happensTwice(chance),
    });
  }

  #makeHypervisor(random: RandomOf): Hypervisor {
    const { clock, paths, exports, trail, plan } = this;
    const chance = random('restorer sends twice');
    const observe = (seen: Observation): void => this.#observe(seen);
    const start = startRestorer({
      clock,
      random: random('restorer'),
      ids: random('restorer ids'),
      manner: this.#manners.restorer,
      controlPath: paths.restorer,
      door: () => this.#openDoor(),
      exports,
      clockOffsetMs: plan.clockOffsetMs.restorer,
      sendsTwice: () => this.#happensTwice(chance),
      note: (text) => trail.note(text),
    });
    const power = random('power');
    return new Hypervisor({
      clock,
      random: random('hypervisor'),
      manner: this.#manners.hypervisor,
      makeMachine: (order) => new TargetMachine(order, clock, power, start, observe),
      observe,
      onFault: (kind) => trail.fault(kind),
    });
  }

  #makeServices(random: RandomOf): Readonly<Record<ServiceName, Service>> {
    const { access, nats, replicationStates, endpointStates, taskStates, vmStates, hypervisor, plan } = this;
    const serviceWorld = { access, nats, readers: this.#readerWorld(random) };
    const service = (name: ServiceName, assemble: (ground: Ground) => ServiceParts): Service =>
      new Service(name, serviceWorld, () => new Lifetime(this.clock), assemble);
    const ofTransfer = {
      nats,
      random: random('transfer'),
      linkServers: new LinkServers(random('leases')),
      endpointStates,
      replicationStates,
      sourceMachine: () => this.furniture.sourceMachine,
      open: (door: OpenDoor) => (this.#door = door),
      areTimersInMemory: plan.mutation === 'timer-in-memory',
    };
    return {
      planning: service('planning', (ground) => planning(ground, { taskStates })),
      provisioning: service('provisioning', (ground) =>
        provisioning(ground, { hypervisor, vmStates, site: () => this.furniture.site }),
      ),
      transfer: service('transfer', (ground) => transfer(ground, ofTransfer)),
      cutover: service('cutover', cutover),
    };
  }

  #readerWorld(random: RandomOf): ReaderWorld {
    return {
      log: this.log,
      checkpoints: this.checkpoints,
      random: random('readers'),
      manner: this.#manners.delivery,
      isStoreAway: () => this.access.isAway,
      onFault: (kind, reader) => this.trail.fault(kind, reader),
      onCrash: (reader, error) => this.onBroken(`${reader} cannot go on: ${String(error)}`),
    };
  }

  #openDoor(): OpenDoor | null {
    return this.#door === null || this.#door.channel.isOver ? null : this.#door;
  }

  #happensTwice(chance: ReturnType<RandomOf>): boolean {
    if (this.#isCalm || !chance.happens(CHANCE_OF_TWICE)) return false;
    this.trail.fault('report-twice');
    return true;
  }

  #observe(observation: Observation): void {
    this.#tell((onlooker) => onlooker.observed?.(observation));
  }

  #tell(tell: (onlooker: Onlooker) => void): void {
    for (const onlooker of this.#onlookers) tell(onlooker);
  }
}

type RandomOf = ReturnType<typeof randomOf>;

/** Of a disk, as the contracts count. */
export const bytesOf = (blocks: number): number => blocks * BLOCK_BYTES;
