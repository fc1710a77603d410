import { randomBytes } from 'node:crypto';
import { commandOutput } from '../../../infra/demo/machine/run-command.js';

/** How packets are kept from passing: without a word, or with a reset of the connection. */
export type Refusal = 'silent' | 'reset';

const TARGETS: Readonly<Record<Refusal, readonly string[]>> = {
  silent: ['-j', 'DROP'],
  reset: ['-j', 'REJECT', '--reject-with', 'tcp-reset'],
};

/**
 * A network of its own for a source machine: a namespace that reaches the rest through another one, the router. Both the
 * control channel (one port of the server) and the data path (any other port) pass there. Faults are the router's packet
 * rules and queues, so they end with it. Needs root.
 */
export class SourceNetwork {
  private constructor(
    private readonly id: string,
    private readonly addresses: Addresses,
  ) {}

  static async create(): Promise<SourceNetwork> {
    const id = randomBytes(4);
    const network = new SourceNetwork(id.toString('hex'), addressesOf(id));
    try {
      await network.#build();
    } catch (error) {
      await network.remove();
      throw error;
    }
    return network;
  }

  /** Where the source machine reaches this machine. */
  get hostAddress(): string {
    return this.addresses.host;
  }

  /** Put before a command, it runs the command on the source machine; the process is the command's own. */
  get prefix(): readonly string[] {
    return prefixOf(this.#source);
  }

  /** Nothing passes but the control channel. */
  async cutDataPath(controlPort: number, refusal: Refusal): Promise<void> {
    await this.#forbid(['-m', 'multiport', '!', '--ports', String(controlPort)], refusal);
  }

  /** Nothing passes but the data path. */
  async cutControlChannel(controlPort: number, refusal: Refusal): Promise<void> {
    await this.#forbid(['-m', 'multiport', '--ports', String(controlPort)], refusal);
  }

  async cutEverything(refusal: Refusal): Promise<void> {
    await this.#forbid([], refusal);
  }

  /** Loses this share of all packets. @param probability between 0 and 1 */
  async losePackets(probability: number): Promise<void> {
    await this.#forbid(['-m', 'statistic', '--mode', 'random', '--probability', String(probability)], 'silent');
  }

  /** The source machine's cable is out. */
  async unplug(): Promise<void> {
    await this.#onRouter('ip', 'link', 'set', 'inner', 'down');
  }

  /** What the source machine sends passes at this rate at most, in bits a second. */
  async throttle(bitsPerSecond: number): Promise<void> {
    const rate = ['rate', `${bitsPerSecond}bit`, 'burst', '64kb', 'latency', '400ms'];
    await this.#onRouter('tc', 'qdisc', 'replace', 'dev', 'outer', 'root', 'tbf', ...rate);
  }

  /** Everything passes again, at full speed. */
  async mend(): Promise<void> {
    await this.#onRouter('iptables', '-F', 'FORWARD');
    await this.#onRouter('ip', 'link', 'set', 'inner', 'up');
    // Not there unless it was throttled.
    await this.#onRouter('tc', 'qdisc', 'del', 'dev', 'outer', 'root').catch(() => undefined);
  }

  /** Takes it away, whatever of it is there. */
  async remove(): Promise<void> {
    await run('ip', 'link', 'del', this.#link).catch(() => undefined);
    for (const name of [this.#source, this.#router]) await run('ip', 'netns', 'del', name).catch(() => undefined);
  }

  get #source(): string {
    return `landfall-source-${this.id}`;
  }

  get #router(): string {
    return `landfall-router-${this.id}`;
  }

  get #link(): string {
    return `lf${this.id}`;
  }

  async #build(): Promise<void> {
    const { host, routerUp, routerDown, source, sourceNetwork } = this.addresses;
    for (const name of [this.#source, this.#router]) await run('ip', 'netns', 'add', name);
    await run('ip', 'link', 'add', this.#link, 'type', 'veth', 'peer', 'name', 'outer', 'netns', this.#router);
    await this.#onRouter(
      ...['ip', 'link', 'add', 'name', 'inner', 'type', 'veth', 'peer', 'name', 'uplink', 'netns'],
      this.#source,
    );
    await run('ip', 'address', 'add', `${host}/30`, 'dev', this.#link);
    await run('ip', 'link', 'set', this.#link, 'up');
    await this.#onRouter('ip', 'address', 'add', `${routerUp}/30`, 'dev', 'outer');
    await this.#onRouter('ip', 'address', 'add', `${routerDown}/30`, 'dev', 'inner');
    for (const device of ['outer', 'inner']) await this.#onRouter('ip', 'link', 'set', device, 'up');
    await this.#onRouter('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
    await this.#onSource('ip', 'address', 'add', `${source}/30`, 'dev', 'uplink');
    for (const device of ['lo', 'uplink']) await this.#onSource('ip', 'link', 'set', device, 'up');
    await this.#onSource('ip', 'route', 'add', 'default', 'via', routerDown);
    await run('ip', 'route', 'add', sourceNetwork, 'via', routerUp);
  }

  async #forbid(match: readonly string[], refusal: Refusal): Promise<void> {
    await this.#onRouter('iptables', '-A', 'FORWARD', '-p', 'tcp', ...match, ...TARGETS[refusal]);
  }

  #onSource(...command: readonly string[]): Promise<void> {
    return run(...prefixOf(this.#source), ...command);
  }

  #onRouter(...command: readonly string[]): Promise<void> {
    return run(...prefixOf(this.#router), ...command);
  }
}

interface Addresses {
  readonly host: string;
  readonly routerUp: string;
  readonly routerDown: string;
  readonly source: string;
  readonly sourceNetwork: string;
}

/** Two networks of four addresses, somewhere in 10.64.0.0/10. */
function addressesOf(id: Buffer): Addresses {
  const base = `10.${64 + (id.readUInt8(0) & 0x3f)}.${id.readUInt8(1)}`;
  const first = id.readUInt8(2) & 0xf8;
  const address = (offset: number): string => `${base}.${first + offset}`;
  return {
    host: address(1),
    routerUp: address(2),
    routerDown: address(5),
    source: address(6),
    sourceNetwork: `${address(4)}/30`,
  };
}

const prefixOf = (name: string): readonly string[] => ['nsenter', `--net=/run/netns/${name}`, '--'];

async function run(...command: readonly string[]): Promise<void> {
  const [program = '', ...args] = command;
  await commandOutput(program, args);
}
