import type { TargetVmOrder } from '#libs/hci';
import { Lifetime } from '../world/lifetime.js';
import type { Observer } from '../world/observation.js';
import type { Random } from '../world/random.js';
import type { SimulatedClock } from '../world/simulated-clock.js';
import { BLOCK_BYTES } from './contents.js';
import type { Credential, ControlLink } from './control-link.js';
import type { Restorer } from './restorer.js';
import { TargetDisk } from './target-disk.js';

/** Begins a restorer's process on a machine. */
export type StartRestorer = (machine: TargetMachine, life: Lifetime) => void;

/** A target VM at the hypervisor: its disks, what its restore environment keeps, and what runs in it. */
export class TargetMachine {
  readonly targetVmId: string;
  readonly disks: readonly TargetDisk[];
  /** In the state folder of the restore environment, which runs from memory: a restart of the machine takes them. */
  readonly groupDigests = new Map<string, TargetDisk>();
  isMade = false;
  isOn = false;
  boots: 'restore-environment' | 'disk' = 'restore-environment';
  /** What the restorer found its server with, and what it got for it. */
  token: string | null = null;
  credential: Credential | null = null;
  /** Of the restorer's process; null: none runs. */
  process: Lifetime | null = null;
  restorer: Restorer | null = null;
  link: ControlLink | null = null;

  constructor(
    order: TargetVmOrder,
    private readonly clock: SimulatedClock,
    private readonly random: Random,
    private readonly startRestorer: StartRestorer,
    private readonly observe: Observer,
  ) {
    this.targetVmId = order.targetVmId;
    this.disks = order.disks.map(({ diskId, sizeBytes }) => new TargetDisk(diskId, sizeBytes / BLOCK_BYTES));
  }

  /** The machine is ready to be switched on. */
  finish(): void {
    this.isMade = true;
  }

  /** Its power is back; one that was never switched on stays off. */
  powerBack(): void {
    if (this.token !== null) this.start();
  }

  /** Switches it on, into its restore environment; a restorer that runs is left alone. */
  start(): void {
    this.isOn = true;
    if (this.boots !== 'restore-environment' || this.process !== null) return;
    this.process = new Lifetime(this.clock);
    this.startRestorer(this, this.process);
  }

  /** The restorer's process ends without a word; its disks stay as they are. */
  killRestorer(): void {
    this.link?.leave('close');
    this.#endProcess();
  }

  /** What was not flushed is lost, or not. */
  losePower(): void {
    this.link?.leave('vanish');
    for (const served of this.restorer?.served ?? []) served.vanish();
    this.#endProcess();
    this.isOn = false;
    for (const disk of this.disks) disk.losePower(this.random);
    this.groupDigests.clear();
    this.observe({ kind: 'target-lost-power', targetVmId: this.targetVmId });
  }

  /** A block changes of itself. */
  damage(): void {
    const disk = this.random.pick(this.disks);
    const block = this.random.integer(0, disk.blocks - 1);
    disk.damage(block);
    this.observe({ kind: 'block-damaged', targetVmId: this.targetVmId, diskId: disk.diskId, block });
  }

  /** Restarted without restore media; the reset may cost what was not flushed. */
  bootFromDisk(): void {
    this.losePower();
    this.boots = 'disk';
    this.isOn = true;
  }

  /** Nothing of it is left. */
  remove(): void {
    this.link?.leave('vanish');
    this.#endProcess();
    this.isOn = false;
  }

  #endProcess(): void {
    this.process?.end();
    this.process = null;
    this.restorer = null;
    this.link = null;
  }
}
