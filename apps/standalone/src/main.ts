import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { runUntilSignal } from '#libs/program';
import { startStandalone } from './standalone.js';

const HIGHEST_PORT = 65_535;

const port = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > HIGHEST_PORT) throw new InvalidArgumentError('0 to 65535');
  return value;
};

const dist = join(dirname(fileURLToPath(import.meta.url)), '../../..');

await new Command('landfall-standalone')
  .description('All services in one process, on an embedded event store, NATS and PostgreSQL')
  .option('--folder <path>', 'where everything is kept', '.landfall/standalone')
  .option('--port <number>', 'port of the REST gateway, 0 for any', port, 8080)
  .option('--link-port <number>', 'port that agents and restore environments dial, 0 for any', port, 8081)
  .action(async ({ folder, port: gatewayPort, linkPort }: { folder: string; port: number; linkPort: number }) => {
    await runUntilSignal(async () => {
      const standalone = await startStandalone({
        folder: resolve(folder),
        environment: process.env,
        gatewayPort,
        linkPort,
        restorerProgram: join(dist, 'bundles/landfall-restorer.mjs'),
      });
      const { gatewayUrl, linkUrl, apiKeyFile, eventStoreUrl } = standalone.addresses;
      console.log(
        `Landfall is up: REST ${gatewayUrl}/api/v1 (key in ${apiKeyFile}), endpoints ${linkUrl}, events ${eventStoreUrl}`,
      );
      return standalone;
    });
  })
  .parseAsync();
