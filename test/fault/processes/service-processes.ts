import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../../infra/demo/machine/wait-for.js';
import { SERVER_FOLDER, TARGET_VMS_FOLDER } from '../../../infra/demo/run-folder/clean-up-run.js';
import { freePorts } from './free-ports.js';
import { ProgramProcess } from './program-process.js';

export const SERVICES = ['planning', 'provisioning', 'transfer', 'cutover', 'gateway'] as const;
export type ServiceName = (typeof SERVICES)[number];

export type ServersOfServices = {
  readonly eventStoreUrl: string;
  readonly natsUrl: string;
  readonly databaseUrl: string;
};

const DIST = join(import.meta.dirname, '../../../dist');
const READY_WITHIN_MS = 60_000;
const HEALTH_ANSWER_MS = 5_000;

/** The five services, each as a process of its own, on servers that somebody else runs. */
export class ServiceProcesses {
  private constructor(
    readonly gatewayUrl: string,
    readonly apiKey: string,
    private readonly processes: Readonly<Record<ServiceName, ProgramProcess>>,
    private readonly healthUrls: Readonly<Record<ServiceName, string>>,
    /** Where endpoints dial the control channel. */
    readonly controlPort: number,
  ) {}

  /**
   * Starts all of them and waits until all are healthy.
   * @param special environment on top of what the services of every test get
   * @throws with their last words when one is not in time
   */
  static async start(
    folder: string,
    servers: ServersOfServices,
    special: NodeJS.ProcessEnv = {},
  ): Promise<ServiceProcesses> {
    const [planning, provisioning, transfer, cutover, gateway, link] = await freePorts(6);
    const ports = { planning, provisioning, transfer, cutover, gateway };
    const apiKey = randomBytes(32).toString('base64url');
    const apiKeysFile = join(folder, 'api-keys.json');
    const sha256 = createHash('sha256').update(apiKey).digest('hex');
    await writeFile(apiKeysFile, JSON.stringify([{ name: 'fault-test', sha256 }]), { mode: 0o600 });
    const env = {
      EVENTSTORE_URL: servers.eventStoreUrl,
      NATS_URL: servers.natsUrl,
      DATABASE_URL: servers.databaseUrl,
      GATEWAY_PORT: String(gateway),
      API_KEYS_FILE: apiKeysFile,
      LINK_PORT: String(link),
      LOCAL_PROCESS_FOLDER: join(folder, SERVER_FOLDER, TARGET_VMS_FOLDER),
      RESTORER_PROGRAM: join(DIST, 'bundles/landfall-restorer.mjs'),
      ...special,
    };
    const programOf = (name: ServiceName): ProgramProcess =>
      new ProgramProcess({
        name,
        args: [join(DIST, 'apps', name, 'src/main.js')],
        folder,
        env: { ...env, HEALTH_PORT: String(ports[name]) },
      });
    const services = new ServiceProcesses(
      `http://127.0.0.1:${gateway}`,
      apiKey,
      everyService(programOf),
      everyService((name) => `http://127.0.0.1:${ports[name]}/health`),
      link ?? 0,
    );
    try {
      await Promise.all(SERVICES.map((name) => services.processOf(name).start()));
      await services.untilHealthy();
    } catch (error) {
      await services.stop();
      throw error;
    }
    return services;
  }

  processOf(name: ServiceName): ProgramProcess {
    return this.processes[name];
  }

  /** `kill -9`; returns when the processes are gone. */
  async kill(...names: readonly ServiceName[]): Promise<void> {
    await Promise.all(names.map((name) => this.processes[name].kill()));
  }

  /** Starts what was killed, and waits until all five are healthy. */
  async startAgain(...names: readonly ServiceName[]): Promise<void> {
    await Promise.all(names.map((name) => this.processes[name].start()));
    await this.untilHealthy();
  }

  /** @throws with their last words when one is not within 60 s */
  async untilHealthy(): Promise<void> {
    await Promise.all(SERVICES.map((name) => this.#untilHealthy(name)));
  }

  async stop(): Promise<void> {
    // In the order in which they ask each other.
    for (const name of SERVICES.toReversed()) await this.processes[name].stop();
  }

  async lastWords(): Promise<string> {
    return (await Promise.all(SERVICES.map((name) => this.processes[name].lastWords()))).join('\n\n');
  }

  async #untilHealthy(name: ServiceName): Promise<void> {
    const program = this.processes[name];
    const ask = async (): Promise<true | undefined> => {
      if (!program.isRunning) throw new Error(`it ended\n${await program.lastWords()}`);
      return (await isHealthy(this.healthUrls[name])) ? true : undefined;
    };
    try {
      await waitFor(`${name} to be healthy`, ask, { boundMs: READY_WITHIN_MS });
    } catch (error) {
      throw new Error(`${name} does not become healthy: ${String(error)}\n${await program.lastWords()}`, {
        cause: error,
      });
    }
  }
}

const everyService = <Value>(valueOf: (name: ServiceName) => Value): Readonly<Record<ServiceName, Value>> => ({
  planning: valueOf('planning'),
  provisioning: valueOf('provisioning'),
  transfer: valueOf('transfer'),
  cutover: valueOf('cutover'),
  gateway: valueOf('gateway'),
});

async function isHealthy(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(HEALTH_ANSWER_MS) }).then(
    async (response) => {
      await response.body?.cancel();
      return response.ok;
    },
    () => false,
  );
}
