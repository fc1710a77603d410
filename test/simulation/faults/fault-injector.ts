import type { TargetMachine } from '../ends/target-machine.js';
import type { ServiceName } from '../services/service.js';
import type { Random } from '../world/random.js';
import type { Fact } from '../world/live-folds.js';
import { durationOf } from '../world/trail.js';
import type { Onlooker, World } from '../world/world.js';
import { BoundaryCut } from './boundary-cut.js';
import { DownOverDeadline } from './down-over-deadline.js';
import type { Fault, PathName, PlannedFault } from './planned-fault.js';

/** How likely a service that comes back finds one of its readers' checkpoints further back than it left it. */
const CHECKPOINT_BACK = 0.1;
/** How likely it finds none at all, and reads everything from the beginning. */
const CHECKPOINT_LOST = 0.02;
/** So many events a checkpoint may be back. */
const MOST_EVENTS_BACK = 12;

/** Breaks what the plan says, when it says so, and mends it again. */
export class FaultInjector implements Onlooker {
  /** Several faults may hold the same thing down: it comes back with the last of them. */
  readonly #down = new Map<string, number>();
  readonly #boundary: BoundaryCut;
  readonly #overDeadline: DownOverDeadline;
  /** Faults that wait for their event. */
  readonly #armed: PlannedFault[] = [];
  #isOver = false;

  constructor(
    private readonly world: World,
    private readonly random: Random,
  ) {
    this.#boundary = new BoundaryCut(world, {
      cut: () => this.#hold('path data', () => world.paths.data.cut()),
      restore: () => this.#release('path data', () => world.paths.data.restore()),
    });
    this.#overDeadline = new DownOverDeadline(world.clock, random, (services, downMs) => {
      world.trail.fault('down-over-the-deadline', `${services.join('+')} for ${durationOf(downMs)}`);
      for (const name of services) this.#crash(name, downMs);
    });
  }

  begin(): void {
    for (const planned of this.world.plan.faults) {
      const { fault, atMs, after } = planned;
      this.#later(atMs, () => {
        if (after === null) this.#strike(fault);
        else this.#armed.push(planned);
      });
    }
  }

  recorded(fact: Fact): void {
    if (this.#isOver) return;
    this.#boundary.recorded(fact);
    this.#overDeadline.recorded(fact);
    const next = this.#armed.findIndex(({ after }) => after?.eventType === fact.event?.type);
    if (next === -1) return;
    const [planned] = this.#armed.splice(next, 1);
    this.#later(planned!.after!.delayMs, () => this.#strike(planned!.fault));
  }

  /** Everything that is down comes back, and nothing breaks any more. */
  end(): void {
    this.#isOver = true;
    this.#boundary.end();
    this.#overDeadline.end();
    this.#down.clear();
    const { world } = this;
    this.#setStoreAway(false);
    world.nats.isAway = false;
    world.hypervisor.isAway = false;
    for (const path of Object.values(world.paths)) path.restore();
    for (const service of Object.values(world.services)) service.start();
    for (const machine of world.hypervisor.machines) machine.powerBack();
    if (!isGoneForGood(world)) this.#sourceBack();
    world.trail.note('--- nothing breaks from here on ---');
  }

  #strike(fault: Fault): void {
    const { world } = this;
    if (fault.kind === 'down-over-the-deadline') {
      this.#overDeadline.begin(fault);
      return;
    }
    const length = 'downMs' in fault ? `for ${fault.downMs === null ? 'good' : durationOf(fault.downMs)}` : '';
    const where = 'services' in fault ? fault.services.join('+') : 'paths' in fault ? fault.paths.join('+') : '';
    world.trail.fault(fault.kind, `${where} ${length}`.trim());
    switch (fault.kind) {
      case 'service-crash':
        for (const name of fault.services) this.#crash(name, fault.downMs);
        break;
      case 'store-away':
        this.#away('store', fault.downMs, (isAway) => this.#setStoreAway(isAway));
        break;
      case 'nats-away':
        this.#away('nats', fault.downMs, (isAway) => (world.nats.isAway = isAway));
        break;
      case 'hci-away':
        this.#away('hci', fault.downMs, (isAway) => (world.hypervisor.isAway = isAway));
        break;
      case 'cut':
        for (const name of fault.paths) this.#cut(name, fault.downMs);
        break;
      case 'connection-reset':
        world.paths[fault.path].reset();
        break;
      case 'cut-to-the-deadline':
        this.#boundary.begin(fault.offsetMs);
        break;
      case 'agent-crash':
      case 'source-off':
        this.#sourceDown(fault);
        break;
      case 'block-damaged':
        for (const machine of world.hypervisor.machines) if (!this.#isProven(machine)) machine.damage();
        break;
      case 'restorer-crash':
      case 'target-power-loss':
      case 'nbdkit-death':
        this.#targetDown(fault);
        break;
    }
  }

  #crash(name: ServiceName, downMs: number): void {
    const service = this.world.services[name];
    this.#hold(`service ${name}`, () => service.crash());
    this.#later(downMs, () =>
      this.#release(`service ${name}`, () => {
        this.#setBackCheckpoints(service.readers.map((reader) => reader.name));
        service.start();
      }),
    );
  }

  /** What was handled after a checkpoint is handled once more. */
  #setBackCheckpoints(readers: readonly string[]): void {
    const { checkpoints, trail } = this.world;
    for (const reader of readers) {
      const position = checkpoints.get(reader);
      if (position === undefined) continue;
      if (this.random.happens(CHECKPOINT_LOST)) {
        trail.fault('checkpoint-lost', reader);
        checkpoints.delete(reader);
        continue;
      }
      if (!this.random.happens(CHECKPOINT_BACK)) continue;
      trail.fault('checkpoint-back', reader);
      checkpoints.set(reader, Math.max(-1, position - this.random.integer(1, MOST_EVENTS_BACK)));
    }
  }

  #setStoreAway(isAway: boolean): void {
    const { access, clock } = this.world;
    access.isAway = isAway;
    if (!isAway) access.backSinceMs = clock.nowMs;
  }

  #away(name: string, downMs: number, set: (isAway: boolean) => void): void {
    this.#hold(name, () => set(true));
    this.#later(downMs, () => this.#release(name, () => set(false)));
  }

  #cut(name: PathName, downMs: number): void {
    const path = this.world.paths[name];
    this.#hold(`path ${name}`, () => path.cut());
    this.#later(downMs, () => this.#release(`path ${name}`, () => path.restore()));
  }

  #sourceDown(fault: Extract<Fault, { kind: 'agent-crash' | 'source-off' }>): void {
    const { agent, source } = this.world;
    this.#hold('source', () => undefined);
    if (fault.kind === 'source-off') source.isOn = false;
    agent.crash(fault.kind === 'source-off' ? 'power' : 'process');
    if (fault.kind === 'agent-crash' && fault.areTablesLost) agent.disk.loseTables();
    if (fault.downMs === null) return;
    this.#later(fault.downMs, () => this.#release('source', () => this.#sourceBack()));
  }

  #sourceBack(): void {
    this.world.source.isOn = true;
    this.world.agent.start();
  }

  #targetDown(fault: Extract<Fault, { kind: 'restorer-crash' | 'target-power-loss' | 'nbdkit-death' }>): void {
    for (const machine of this.world.hypervisor.machines) {
      if (machine.boots !== 'restore-environment' || machine.process === null) continue;
      if (fault.kind === 'nbdkit-death') {
        const { served = [] } = machine.restorer ?? {};
        if (served.length > 0) this.random.pick(served).die();
        continue;
      }
      if (fault.kind === 'restorer-crash') machine.killRestorer();
      else machine.losePower();
      const name = `machine ${machine.targetVmId}`;
      this.#hold(name, () => undefined);
      this.#later(fault.downMs, () =>
        this.#release(name, () => {
          if (this.world.hypervisor.machineOf(machine.targetVmId) === machine) machine.powerBack();
        }),
      );
    }
  }

  /** What the verification has looked at, it does not look at again. */
  #isProven({ targetVmId, boots }: TargetMachine): boolean {
    const { taskId } = this.world.folds.targetVm(targetVmId) ?? { taskId: '' };
    const status = this.world.folds.replication(taskId)?.verification?.status;
    return boots === 'disk' || status === 'running' || status === 'verified';
  }

  #hold(what: string, down: () => void): void {
    this.#down.set(what, (this.#down.get(what) ?? 0) + 1);
    down();
  }

  #release(what: string, up: () => void): void {
    const held = this.#down.get(what) ?? 0;
    this.#down.set(what, held - 1);
    if (held !== 1) return;
    this.world.trail.note(`  ${what} is back`);
    up();
  }

  #later(delayMs: number, action: () => void): void {
    this.world.clock.after(delayMs, () => {
      if (!this.#isOver) action();
    });
  }
}

export const isGoneForGood = ({ plan }: World): boolean =>
  plan.faults.some(({ fault }) => fault.kind === 'source-off' && fault.downMs === null);
