import { PermanentError, TransientError } from '#libs/eventsourcing';
import type { HciDriver, RestoreEnvironment, TargetVmOrder } from '../hci-driver.js';

/** What becomes of a restore environment that is started. */
export type FakeStart = 'enrols' | 'dies-before-enrolling' | 'dies-after-enrolling';

export interface FakeMachine {
  readonly order: TargetVmOrder;
  readonly reference: string;
  /** What it boots, whether it is on or not. */
  boots: 'restore-environment' | 'disk';
  isOn: boolean;
  /** It needs no token any more. Whoever plays the guest says so; see {@link FakeGuests}. */
  hasEnrolled: boolean;
  /** How often a restore environment was started in it. */
  starts: number;
}

/** Who plays what runs in the machines. */
export interface FakeGuests {
  /** A restore environment begins. @param environment null: it goes on with what it got when it enrolled */
  started(machine: FakeMachine, environment: RestoreEnvironment | null): void;
  /** What ran in the machine has ended: by a crash, for booting from disk, or because the machine is removed. */
  ended(machine: FakeMachine): void;
}

type Call = Exclude<keyof HciDriver, 'name'>;

/**
 * A platform in memory that can lose replies, refuse, and lose guests. The object is the platform: it outlives the
 * service that uses it, so a service that is started again is given the same one.
 */
export class FakeHciDriver implements HciDriver {
  readonly name = 'fake';
  readonly calls: { readonly call: Call; readonly targetVmId: string }[] = [];
  readonly #machines = new Map<string, FakeMachine>();
  readonly #guests: FakeGuests;
  readonly #refusals: Error[] = [];
  #repliesToLose = 0;
  #nextStart: FakeStart = 'enrols';
  #made = 0;

  /** @param guests left out: every restore environment enrols at once, unless {@link nextStart} says otherwise */
  constructor(guests?: FakeGuests) {
    this.#guests = guests ?? { started: (machine) => this.#play(machine), ended: () => undefined };
  }

  /** The machines that exist, in the order in which they were made. */
  get machines(): readonly FakeMachine[] {
    return [...this.#machines.values()];
  }

  machine(targetVmId: string): FakeMachine | null {
    return this.#machines.get(targetVmId) ?? null;
  }

  /** The next calls that succeed take effect, and throw a TransientError. */
  loseReplies(count = 1): void {
    this.#repliesToLose += count;
  }

  /** The next call throws this, and takes no effect. */
  refuse(error: Error): void {
    this.#refusals.push(error);
  }

  /** What becomes of the next restore environment that is started; for the guests that this class plays itself. */
  nextStart(start: FakeStart): void {
    this.#nextStart = start;
  }

  /** What runs in the machine dies; the machine is off. */
  crash(targetVmId: string): void {
    const machine = this.#machines.get(targetVmId);
    if (machine !== undefined) this.#end(machine);
  }

  async ensureInRestoreEnvironment(
    order: TargetVmOrder,
    environment: () => Promise<RestoreEnvironment>,
  ): Promise<{ reference: string }> {
    return this.#answer('ensureInRestoreEnvironment', order.targetVmId, async () => {
      const machine = this.#machines.get(order.targetVmId) ?? this.#make(order);
      if (machine.boots === 'restore-environment' && !machine.isOn) {
        const given = machine.hasEnrolled ? null : await environment();
        machine.isOn = true;
        machine.starts += 1;
        this.#guests.started(machine, given);
      }
      return { reference: machine.reference };
    });
  }

  async bootFromDisk(targetVmId: string): Promise<void> {
    await this.#answer('bootFromDisk', targetVmId, async () => {
      const machine = this.#machines.get(targetVmId);
      if (machine === undefined) throw new PermanentError(`The target VM ${targetVmId} is gone`);
      if (machine.boots === 'disk') return;
      this.#end(machine);
      machine.boots = 'disk';
      machine.isOn = true;
    });
  }

  async remove(targetVmId: string): Promise<void> {
    await this.#answer('remove', targetVmId, async () => {
      this.crash(targetVmId);
      this.#machines.delete(targetVmId);
    });
  }

  async #answer<T>(call: Call, targetVmId: string, work: () => Promise<T>): Promise<T> {
    this.calls.push({ call, targetVmId });
    const refusal = this.#refusals.shift();
    if (refusal !== undefined) throw refusal;
    const answer = await work();
    if (this.#repliesToLose === 0) return answer;
    this.#repliesToLose -= 1;
    throw new TransientError(`The reply to ${call} was lost`);
  }

  #make(order: TargetVmOrder): FakeMachine {
    this.#made += 1;
    const machine: FakeMachine = {
      order,
      reference: `vm-${this.#made}`,
      boots: 'restore-environment',
      isOn: false,
      hasEnrolled: false,
      starts: 0,
    };
    this.#machines.set(order.targetVmId, machine);
    return machine;
  }

  #end(machine: FakeMachine): void {
    if (!machine.isOn) return;
    machine.isOn = false;
    this.#guests.ended(machine);
  }

  #play(machine: FakeMachine): void {
    const start = this.#nextStart;
    this.#nextStart = 'enrols';
    if (start !== 'dies-before-enrolling') machine.hasEnrolled = true;
    if (start !== 'enrols') this.#end(machine);
  }
}
