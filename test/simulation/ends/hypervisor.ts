import { PermanentError, TransientError } from '#libs/eventsourcing';
import type { HciDriver, RestoreEnvironment, TargetVmOrder } from '#libs/hci';
import type { Lifetime } from '../world/lifetime.js';
import type { Observer } from '../world/observation.js';
import type { Random } from '../world/random.js';
import { MINUTE, type SimulatedClock } from '../world/simulated-clock.js';
import { TargetMachine } from './target-machine.js';

export interface HypervisorManner {
  readonly callMs: readonly [number, number];
  /** What making a machine takes. */
  readonly createMs: readonly [number, number];
  /** What restarting one from its disk takes. */
  readonly bootMs: readonly [number, number];
  /** How likely a call is answered with a fault that may pass, without having done anything. */
  readonly refused: number;
  /** How likely a call does what it should, and its answer is lost. */
  readonly answerLost: number;
  /** How likely making or booting a machine fails in a way that a person has to mend. */
  readonly failed: number;
}

export type HypervisorFault = 'hci-refused' | 'hci-answer-lost' | 'hci-failed';

/** How long a caller waits for an answer. */
const CALL_LIMIT_MS = MINUTE;

export interface HypervisorOptions {
  readonly clock: SimulatedClock;
  readonly random: Random;
  readonly manner: HypervisorManner;
  readonly makeMachine: (order: TargetVmOrder) => TargetMachine;
  readonly observe: Observer;
  readonly onFault: (kind: HypervisorFault) => void;
}

/** The platform with its machines. It outlives every service. */
export class Hypervisor {
  readonly #machines = new Map<string, TargetMachine>();
  isAway = false;

  constructor(private readonly options: HypervisorOptions) {}

  get machines(): readonly TargetMachine[] {
    return [...this.#machines.values()];
  }

  machineOf(targetVmId: string): TargetMachine | null {
    return this.#machines.get(targetVmId) ?? null;
  }

  /** The driver as a process of the provisioning service uses it. */
  driver(life: Lifetime): HciDriver {
    return {
      name: 'simulated',
      ensureInRestoreEnvironment: (order, environment) => this.#ensure(order, environment, life),
      bootFromDisk: (targetVmId) => this.#bootFromDisk(targetVmId, life),
      remove: (targetVmId: string) => this.#remove(targetVmId, life),
    };
  }

  /** Whoever answers is asked first whether it wants to: a faulty platform does so when nobody needs it. */
  async #call(life: Lifetime): Promise<void> {
    const { random, manner, onFault } = this.options;
    await life.sleep(random.integer(...manner.callMs));
    if (this.isAway) {
      await life.sleep(CALL_LIMIT_MS);
      throw new TransientError('The hypervisor does not answer');
    }
    if (!random.happens(manner.refused)) return;
    onFault('hci-refused');
    throw new TransientError('The hypervisor is busy');
  }

  async #answer(life: Lifetime): Promise<void> {
    const { random, manner, onFault } = this.options;
    if (random.happens(manner.answerLost)) {
      onFault('hci-answer-lost');
      await life.sleep(CALL_LIMIT_MS);
      throw new TransientError('The hypervisor did not answer');
    }
    await life.sleep(random.integer(...manner.callMs));
  }

  #failIfItMust(what: string): void {
    const { random, manner, onFault } = this.options;
    if (!random.happens(manner.failed)) return;
    onFault('hci-failed');
    throw new PermanentError(`simulated: the hypervisor cannot ${what}`);
  }

  async #ensure(
    order: TargetVmOrder,
    environment: () => Promise<RestoreEnvironment>,
    life: Lifetime,
  ): Promise<{ reference: string }> {
    const { targetVmId } = order;
    const reference = `vm/${targetVmId}`;
    await this.#call(life);
    const made = this.#machines.get(targetVmId) ?? this.#make(order);
    if (made.boots === 'disk') return { reference };
    await this.#untilMade(made, life);
    if (made.process === null && made.credential === null) {
      const { token } = await environment();
      // Asking for the token took its time: the machine may be gone meanwhile.
      if (this.#machines.get(targetVmId) !== made) throw new TransientError('The machine is gone');
      made.token = token;
    }
    made.start();
    await this.#answer(life);
    return { reference };
  }

  #make(order: TargetVmOrder): TargetMachine {
    this.#failIfItMust('make the machine');
    const { clock, random, manner, makeMachine, observe } = this.options;
    const machine = makeMachine(order);
    this.#machines.set(order.targetVmId, machine);
    observe({ kind: 'machine-created', targetVmId: order.targetVmId });
    clock.after(random.integer(...manner.createMs), () => machine.finish());
    return machine;
  }

  async #untilMade(machine: TargetMachine, life: Lifetime): Promise<void> {
    while (!machine.isMade) {
      await life.sleep(1_000);
      if (this.#machines.get(machine.targetVmId) !== machine) throw new TransientError('The machine is gone');
    }
  }

  async #bootFromDisk(targetVmId: string, life: Lifetime): Promise<void> {
    const { random, manner } = this.options;
    await this.#call(life);
    const machine = this.#machines.get(targetVmId);
    if (machine === undefined) throw new PermanentError(`The target VM ${targetVmId} is gone`);
    if (machine.boots !== 'disk') {
      this.#failIfItMust('boot the machine');
      this.options.observe({ kind: 'machine-booting-from-disk', targetVmId });
      machine.bootFromDisk();
      await life.sleep(random.integer(...manner.bootMs));
    }
    await this.#answer(life);
  }

  async #remove(targetVmId: string, life: Lifetime): Promise<void> {
    await this.#call(life);
    const machine = this.#machines.get(targetVmId);
    if (machine !== undefined) {
      this.#failIfItMust('remove the machine');
      this.#machines.delete(targetVmId);
      machine.remove();
      this.options.observe({ kind: 'machine-removed', targetVmId });
    }
    await this.#answer(life);
  }
}
