import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LocalStack, startLocalStack } from '#libs/local-stack';
import { parseEnvironment } from '#libs/program';
import { serviceEnvironment, startService } from '#libs/service-kit';
import { CutoverModule } from '../../cutover/src/cutover.module.js';
import { createGateway } from '../../gateway/src/create-gateway.js';
import { parseGatewayConfig } from '../../gateway/src/gateway.config.js';
import { PlanningModule } from '../../planning/src/planning.module.js';
import { parseProvisioningConfig } from '../../provisioning/src/provisioning.config.js';
import { ProvisioningModule } from '../../provisioning/src/provisioning.module.js';
import { ControlChannel } from '../../transfer/src/control-channel/control-channel.js';
import { parseTransferConfig } from '../../transfer/src/transfer.config.js';
import { TransferModule } from '../../transfer/src/transfer.module.js';
import { ensureOperatorKey } from './operator-key.js';

/** Others, such as the account of PostgreSQL, may pass through, not look; what is secret in it has its own mode. */
const FOLDER_MODE = 0o711;

export interface StandaloneOptions {
  /** Everything that is kept: event store, NATS, Postgres, keys, target VMs, logs. */
  readonly folder: string;
  /** `EVENTSTORE_URL`, `NATS_URL`, `DATABASE_URL` name servers to use instead of the embedded ones. */
  readonly environment: NodeJS.ProcessEnv;
  /** 0: any free port. */
  readonly gatewayPort: number;
  readonly linkPort: number;
  readonly restorerProgram: string;
}

/** Where everything is; also written to `standalone.json` in the folder, as long as it runs. */
export interface StandaloneAddresses {
  readonly gatewayUrl: string;
  readonly linkUrl: string;
  readonly apiKeyFile: string;
  readonly eventStoreUrl: string;
  readonly natsUrl: string;
  readonly databaseUrl: string;
  readonly logFolder: string;
  readonly pid: number;
}

export interface Standalone {
  readonly addresses: StandaloneAddresses;
  close(): Promise<void>;
}

interface Closable {
  close(): Promise<unknown>;
}

/** Starts the embedded stack and every service in this process; what was started is ended again when one fails. */
export const startStandalone = async (options: StandaloneOptions): Promise<Standalone> => {
  await mkdir(options.folder, { recursive: true, mode: FOLDER_MODE });
  const stack = await startLocalStack({ folder: join(options.folder, 'stack'), env: options.environment });
  const started: Closable[] = [{ close: () => stack.stop() }];
  const close = async (): Promise<void> => {
    for (const part of started.toReversed()) await part.close();
  };
  try {
    return { addresses: await startServices(options, stack, started), close };
  } catch (error) {
    await close();
    throw error;
  }
};

const startServices = async (
  options: StandaloneOptions,
  stack: LocalStack,
  started: Closable[],
): Promise<StandaloneAddresses> => {
  const { keyFile, apiKeysFile } = await ensureOperatorKey(options.folder);
  const environment: NodeJS.ProcessEnv = {
    ...options.environment,
    EVENTSTORE_URL: stack.eventStoreUrl,
    NATS_URL: stack.natsUrl,
    DATABASE_URL: stack.databaseUrl,
    HEALTH_PORT: undefined,
    LINK_PORT: String(options.linkPort),
    GATEWAY_PORT: String(options.gatewayPort),
    API_KEYS_FILE: apiKeysFile,
    LOCAL_PROCESS_FOLDER: join(options.folder, 'target-vms'),
    RESTORER_PROGRAM: options.restorerProgram,
  };
  const shared = parseEnvironment(serviceEnvironment, environment);
  const transferConfig = parseTransferConfig(environment);
  // Services wait for each other over NATS, so they may start in any order; one after another reads better in a log.
  const transfer = await startService('transfer', TransferModule.for(transferConfig), shared);
  started.push(transfer);
  const provisioning = ProvisioningModule.for(parseProvisioningConfig(environment));
  started.push(await startService('provisioning', provisioning, shared));
  started.push(await startService('cutover', CutoverModule.for(shared), shared));
  started.push(await startService('planning', PlanningModule.for(shared), shared));
  const gatewayConfig = parseGatewayConfig(environment);
  const gateway = await createGateway(gatewayConfig);
  started.push(gateway);
  await gateway.listen(gatewayConfig.GATEWAY_PORT, gatewayConfig.GATEWAY_HOST);

  const link = transfer.application.get(ControlChannel, { strict: false });
  const addresses: StandaloneAddresses = {
    gatewayUrl: (await gateway.getUrl()).replace('[::1]', '127.0.0.1'),
    linkUrl: `http://${transferConfig.LINK_HOST}:${link.port}`,
    apiKeyFile: keyFile,
    eventStoreUrl: stack.eventStoreUrl,
    natsUrl: stack.natsUrl,
    databaseUrl: stack.databaseUrl,
    logFolder: join(options.folder, 'stack'),
    pid: process.pid,
  };
  const file = join(options.folder, 'standalone.json');
  await writeFile(`${file}.new`, `${JSON.stringify(addresses, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  started.push({ close: () => rm(file, { force: true }) });
  return addresses;
};
