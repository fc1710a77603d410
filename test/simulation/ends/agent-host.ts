import { Lifetime } from '../world/lifetime.js';
import type { Random } from '../world/random.js';
import type { SimulatedClock } from '../world/simulated-clock.js';
import { Agent, type AgentPorts } from './agent.js';
import { AgentDisk } from './agent-disk.js';
import { ControlLink, type Credential } from './control-link.js';
import { type Door, dial } from './dial.js';
import type { Path } from '../world/network.js';

export interface AgentHostOptions extends Omit<AgentPorts, 'life' | 'disk'> {
  readonly clock: SimulatedClock;
  readonly controlPath: Path;
  readonly door: Door;
  readonly credential: Credential;
  readonly clockOffsetMs: number;
  readonly ids: Random;
  readonly sendsTwice: () => boolean;
}

/** The agent on its machine: one process at most, and what it keeps on its disk. */
export class AgentHost {
  readonly disk = new AgentDisk();
  #life: Lifetime | null = null;
  #link: ControlLink | null = null;

  constructor(private readonly options: AgentHostOptions) {}

  get isRunning(): boolean {
    return this.#life !== null;
  }

  start(): void {
    if (this.#life !== null) return;
    const { clock, controlPath, door, credential, clockOffsetMs, ids, random, sendsTwice, ...ports } = this.options;
    const life = new Lifetime(clock);
    const agent: Agent = new Agent({ ...ports, random, life, disk: this.disk }, () => link);
    const link: ControlLink = new ControlLink({
      credential,
      life,
      random,
      dial: (own, ofLink) => dial(controlPath, door, own, ofLink),
      assignmentInHand: () => agent.follower.assignmentId,
      onAssignment: (assignment) => agent.follower.follow(assignment),
      nowMs: () => clock.nowMs + clockOffsetMs,
      newId: () => ids.uuid(),
      sendsTwice,
    });
    [this.#life, this.#link] = [life, link];
    void link.run();
  }

  /** @param how whether the machine lives on to say that the process is gone */
  crash(how: 'process' | 'power'): void {
    this.#link?.leave(how === 'process' ? 'close' : 'vanish');
    this.#life?.end();
    [this.#life, this.#link] = [null, null];
  }
}
