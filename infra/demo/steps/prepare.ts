import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { type StandaloneFile, readStandaloneFile } from '../../../apps/cli/src/gateway/connection.js';
import { GatewayClient } from '../../../apps/cli/src/gateway/gateway-client.js';
import { sizeInWords } from '../../../apps/cli/src/terminal/quantities-in-words.js';
import type { SourceMachineView } from '#libs/contracts';
import { waitFor } from '../machine/wait-for.js';
import { type RunningProgram, runProgramToEnd, startProgram } from '../programs/program.js';
import { SERVER_FOLDER, endRestorers, releaseDisks } from '../run-folder/clean-up-run.js';
import { type SourceDisk, createSourceDisk } from '../source-disk/index.js';
import type { DemoContext } from './demo-context.js';
import type { MigrationSetting } from './migration-setting.js';

/** About one file per 350 KiB, as on an ordinary machine. */
const FILES_PER_MIB = 3;
const SERVER_START_BOUND_MS = 90_000;
const INVENTORY_BOUND_MS = 30_000;

/** Makes a source disk, starts the server and the agent, and registers what the migration needs. */
export async function prepare(context: DemoContext): Promise<MigrationSetting> {
  const source = await makeSourceDisk(context);
  const { server, addresses, gateway } = await startServer(context);
  const { agent, machine } = await enrolSource(context, addresses, gateway, source);
  const disk = machine.inventory?.disks.find(({ device }) => device === source.device);
  if (disk === undefined) throw new Error(`The agent reported no disk ${source.device}`);
  const site = await gateway.registerSite({ name: context.runName, driver: 'local-process', version: '1.0' });
  return {
    folder: context.folder,
    ...{ source, server, addresses, gateway, agent },
    sourceMachineId: machine.sourceMachineId,
    diskId: disk.diskId,
    siteId: site.siteId,
  };
}

function makeSourceDisk({ log, folder, options, runName, cleanup }: DemoContext): Promise<SourceDisk> {
  return log
    .step(
      'Source disk',
      async () => {
        cleanup.add('release the disks', () => releaseDisks(folder));
        const fileCount = options.sizeMib * FILES_PER_MIB;
        const disk = await createSourceDisk({ folder, sizeMiB: options.sizeMib, fileCount, seed: runName });
        cleanup.add('remove the source disk', () => disk.destroy());
        return { disk, usedBytes: await disk.usedBytes() };
      },
      ({ disk, usedBytes }) =>
        `${disk.device}: ${sizeInWords(options.sizeMib * 1024 * 1024)}, GPT, ext4, ${sizeInWords(usedBytes)} used, its free blocks dirty`,
    )
    .then(({ disk }) => disk);
}

function startServer(context: DemoContext) {
  const { log, folder, dist, cleanup, signal } = context;
  return log.step(
    'Server',
    async () => {
      signal.throwIfAborted();
      const serverFolder = join(folder, SERVER_FOLDER);
      const program = join(dist, 'apps/standalone/src/main.js');
      cleanup.add('end the restore environments', () => endRestorers(folder));
      const server = await startProgram({
        name: 'server',
        args: [program, '--folder', serverFolder, '--port', '0', '--link-port', '0'],
        folder,
      });
      cleanup.add('stop the server', () => server.stop());
      server.onLost((reason) => context.fail(reason));
      const addresses = await waitFor('the server', () => readStandaloneFile(join(serverFolder, 'standalone.json')), {
        boundMs: SERVER_START_BOUND_MS,
        signal,
      });
      const key = (await readFile(addresses.apiKeyFile, 'utf8')).trim();
      return { server, addresses, gateway: new GatewayClient({ url: addresses.gatewayUrl, key }) };
    },
    ({ addresses }) => `five services on ${addresses.gatewayUrl}`,
  );
}

function enrolSource(
  context: DemoContext,
  addresses: StandaloneFile,
  gateway: GatewayClient,
  source: SourceDisk,
): Promise<{ readonly agent: RunningProgram; readonly machine: SourceMachineView }> {
  const { log, folder, dist, cleanup, signal, runName } = context;
  return log.step(
    'Agent',
    async () => {
      const state = join(folder, 'agent');
      const program = join(dist, 'bundles/landfall-agent.mjs');
      const { token, serverUrl } = await gateway.issueEnrolmentToken(runName);
      const enrol = ['--server', serverUrl, '--token', token, '--state', state, '--name', runName];
      await runProgramToEnd({ name: 'agent-enrolment', args: [program, 'enroll', ...enrol], folder });
      const endpointId = await enrolledAs(state);
      const run = ['run', '--state', state, '--disk', source.device];
      const agent = await startProgram({ name: 'agent', args: [program, ...run], folder });
      cleanup.add('stop the agent', () => agent.stop());
      agent.onLost((reason) => context.fail(reason));
      const machine = await waitFor('the inventory of the source machine', () => reportedMachine(gateway, endpointId), {
        boundMs: INVENTORY_BOUND_MS,
        signal,
      });
      return { agent, machine };
    },
    ({ machine }) => `enrolled at ${addresses.linkUrl}, inventory of ${machine.name} reported`,
  );
}

/** @returns the id under which the agent enrolled; it is the source machine's */
async function enrolledAs(stateFolder: string): Promise<string> {
  const credential = await readFile(join(stateFolder, 'credential.json'), 'utf8');
  return z.object({ endpointId: z.uuid() }).parse(JSON.parse(credential)).endpointId;
}

async function reportedMachine(gateway: GatewayClient, id: string): Promise<SourceMachineView | undefined> {
  const machines = await gateway.sourceMachines();
  return machines.find(
    ({ sourceMachineId, connected, inventory }) => sourceMachineId === id && connected && inventory !== null,
  );
}
