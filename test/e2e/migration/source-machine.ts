import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { waitFor } from '../../../infra/demo/machine/wait-for.js';
import { type SourceDisk, createSourceDisk } from '../../../infra/demo/source-disk/index.js';
import { ProgramProcess } from '../../fault/processes/program-process.js';
import type { SourceNetwork } from '../../fault/network/source-network.js';
import type { Operator } from './operator.js';

const AGENT = join(import.meta.dirname, '../../../dist/bundles/landfall-agent.mjs');
const INVENTORY_WITHIN_MS = 60_000;

export type SourceMachineOrder = {
  /** Of the test; the machine gets a folder of its own in it. */
  readonly folder: string;
  /** Also the seed of its files. */
  readonly name: string;
  readonly sizeMiB: number;
  readonly fileCount: number;
  /** Left out: the machine is in this machine's own network. */
  readonly network?: Pick<SourceNetwork, 'prefix'> | undefined;
};

/** A machine to migrate: a real disk, and a real agent process that was enrolled and has reported it. */
export class SourceMachine {
  private constructor(
    readonly disk: SourceDisk,
    readonly sourceMachineId: string,
    readonly diskId: string,
    readonly agent: ProgramProcess,
  ) {}

  static async start(order: SourceMachineOrder, operator: Operator): Promise<SourceMachine> {
    const { name, sizeMiB, fileCount, network } = order;
    const insecure = network === undefined ? [] : ['--insecure-network'];
    const program = (called: string, args: readonly string[]): ProgramProcess =>
      new ProgramProcess({
        name: called,
        args: [AGENT, ...args, ...insecure],
        folder: order.folder,
        prefix: network?.prefix ?? [],
      });
    const folder = join(order.folder, name);
    const disk = await createSourceDisk({ folder, sizeMiB, fileCount, seed: name });
    const state = join(folder, 'agent');
    const { token, serverUrl } = await operator.issueEnrolmentToken(name);
    const enrolment = ['enroll', '--server', serverUrl, '--token', token, '--state', state, '--name', name];
    await runToEnd(program(`${name}-enrolment`, enrolment));
    const agent = program(`${name}-agent`, ['run', '--state', state, '--disk', disk.device]);
    await agent.start();
    const sourceMachineId = await enrolledAs(state);
    const diskId = await waitFor(
      `the inventory of ${name}`,
      async () => {
        const { inventory, connected } = await operator.sourceMachine(sourceMachineId);
        return connected ? inventory?.disks.find(({ device }) => device === disk.device)?.diskId : undefined;
      },
      { boundMs: INVENTORY_WITHIN_MS },
    );
    return new SourceMachine(disk, sourceMachineId, diskId, agent);
  }

  /** The most memory that the agent's process has had, programs and libraries in it included. */
  async agentPeakBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.agent.pid}/status`, 'utf8');
    return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
  }

  /** Ends the agent and takes the disk away. */
  async remove(): Promise<void> {
    await this.agent.stop();
    await this.disk.destroy();
  }
}

async function runToEnd(program: ProgramProcess): Promise<void> {
  await program.start();
  if ((await program.ended()) !== 0) throw new Error(await program.lastWords());
}

/** The agent's endpoint id is the source machine's. */
async function enrolledAs(stateFolder: string): Promise<string> {
  const credential = await readFile(join(stateFolder, 'credential.json'), 'utf8');
  return z.object({ endpointId: z.uuid() }).parse(JSON.parse(credential)).endpointId;
}
