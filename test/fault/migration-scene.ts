import { join } from 'node:path';
import type { TaskSettings } from '#libs/contracts';
import { type LocalStack, startLocalStack } from '#libs/local-stack';
import { CuttableLink } from '#libs/testing';
import { EventStoreDb } from '#libs/eventstore';
import { mergeExtents, totalBytes } from '#libs/block-transfer';
import { acknowledgedRangesCodec } from '../../apps/transfer/src/acknowledged-ranges/acknowledged-ranges.js';
import { SERVER_FOLDER } from '../../infra/demo/run-folder/clean-up-run.js';
import { Cleanup } from '../../infra/demo/steps/cleanup.js';
import { Operator } from '../e2e/migration/operator.js';
import { SourceMachine } from '../e2e/migration/source-machine.js';
import { makeTestFolder, removeTestFolder } from '../e2e/migration/test-folder.js';
import { SourceNetwork } from './network/source-network.js';
import { EventNodeProcess } from './processes/event-node-process.js';
import { ServiceProcesses } from './processes/service-processes.js';

/** Seconds that the services wait after their start before they take a deadline for passed. */
export const SETTLE_SECONDS = 3;

interface Servers {
  readonly eventNode: EventNodeProcess;
  readonly stack: LocalStack;
  /** Between the services and PostgreSQL, and NATS. */
  readonly databaseLink: CuttableLink;
  readonly natsLink: CuttableLink;
}

/** Everything that a migration takes, each part a process that can be hurt, and a network that can. */
export class MigrationScene {
  #machines = 0;

  private constructor(
    readonly folder: string,
    readonly servers: Servers,
    readonly network: SourceNetwork,
    readonly services: ServiceProcesses,
    readonly operator: Operator,
    readonly siteId: string,
    private readonly cleanup: Cleanup,
  ) {}

  /** @param special environment of the services */
  static async start(special: NodeJS.ProcessEnv = {}): Promise<MigrationScene> {
    const cleanup = new Cleanup();
    try {
      return await MigrationScene.#start(special, cleanup);
    } catch (error) {
      await cleanup.run();
      throw error;
    }
  }

  static async #start(special: NodeJS.ProcessEnv, cleanup: Cleanup): Promise<MigrationScene> {
    const folder = await makeTestFolder();
    cleanup.add('remove the folder', () => removeTestFolder(folder));
    const network = await SourceNetwork.create();
    cleanup.add('remove the network', () => network.remove());
    const servers = await startServers(folder, cleanup);
    const services = await ServiceProcesses.start(
      folder,
      {
        eventStoreUrl: servers.stack.eventStoreUrl,
        natsUrl: at(servers.stack.natsUrl, servers.natsLink.port),
        databaseUrl: at(servers.stack.databaseUrl, servers.databaseLink.port),
      },
      {
        LINK_HOST: network.hostAddress,
        // There is nothing in front; the network belongs to the test.
        LINK_BEHIND_TLS: 'true',
        LOCAL_PROCESS_LISTEN_HOST: network.hostAddress,
        LOCAL_PROCESS_INSECURE_NETWORK: 'true',
        DEADLINE_SETTLE_SECONDS: String(SETTLE_SECONDS),
        ...special,
      },
    );
    cleanup.add('stop the services', () => services.stop());
    const operator = new Operator(services.gatewayUrl, services.apiKey);
    const { siteId } = await operator.registerSite('fault');
    return new MigrationScene(folder, servers, network, services, operator, siteId, cleanup);
  }

  /** A source machine in the network that can be hurt, and a task that migrates it. */
  async startMigration(
    { sizeMiB, fileCount }: { readonly sizeMiB: number; readonly fileCount: number },
    settings: Partial<TaskSettings>,
  ): Promise<{ machine: SourceMachine; taskId: string; targetVmId: string }> {
    this.#machines += 1;
    const name = `machine-${this.#machines}`;
    const { folder, network, operator, siteId } = this;
    const machine = await SourceMachine.start({ folder, name, sizeMiB, fileCount, network }, operator);
    const { sourceMachineId } = machine;
    const { taskId, targetVmId } = await operator.createTask({ name, sourceMachineId, siteId, settings });
    return { machine, taskId, targetVmId };
  }

  /** By the recorded acknowledgements of a round alone. */
  async bytesAcknowledgedTwice(taskId: string, roundId: string): Promise<number> {
    const store = new EventStoreDb(this.servers.stack.eventStoreUrl);
    try {
      const events = await store.readStream(`acknowledgedRanges-${taskId}`);
      const ranges = events
        .flatMap((event) => acknowledgedRangesCodec.decode(event) ?? [])
        .filter(({ data }) => data.roundId === roundId)
        .flatMap(({ data }) => data.ranges);
      return totalBytes(ranges) - totalBytes(mergeExtents(ranges));
    } finally {
      await store.close();
    }
  }

  /** Ends everything. @throws when something could not be taken away */
  async end(): Promise<void> {
    const failures = await this.cleanup.run();
    if (failures.length > 0) throw new AggregateError(failures, 'the scene could not be taken away');
  }
}

async function startServers(folder: string, cleanup: Cleanup): Promise<Servers> {
  const eventNode = await EventNodeProcess.start(folder);
  cleanup.add('stop the event node', () => eventNode.stop());
  const stack = await startLocalStack({
    folder: join(folder, SERVER_FOLDER, 'stack'),
    env: { ...process.env, EVENTSTORE_URL: eventNode.url },
    isDisposable: true,
  });
  cleanup.add('stop the servers', () => stack.stop());
  const databaseLink = await CuttableLink.to(new URL(stack.databaseUrl));
  cleanup.add('end the link to PostgreSQL', () => databaseLink.cut());
  const natsLink = await CuttableLink.to(new URL(stack.natsUrl));
  cleanup.add('end the link to NATS', () => natsLink.cut());
  return { eventNode, stack, databaseLink, natsLink };
}

function at(url: string, port: number): string {
  const moved = new URL(url);
  moved.port = String(port);
  return moved.toString();
}
