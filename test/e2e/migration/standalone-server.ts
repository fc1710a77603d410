import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type StandaloneFile, readStandaloneFile } from '../../../apps/cli/src/gateway/connection.js';
import { waitFor } from '../../../infra/demo/machine/wait-for.js';
import { SERVER_FOLDER } from '../../../infra/demo/run-folder/clean-up-run.js';
import { ProgramProcess } from '../../fault/processes/program-process.js';
import { Operator } from './operator.js';

const PROGRAM = join(import.meta.dirname, '../../../dist/apps/standalone/src/main.js');
const UP_WITHIN_MS = 90_000;

/** The standalone program as people run it: all services and the embedded servers, in a process of its own. */
export class StandaloneServer {
  #program: ProgramProcess;

  private constructor(
    private readonly folder: string,
    readonly addresses: StandaloneFile,
    readonly operator: Operator,
    program: ProgramProcess,
  ) {
    this.#program = program;
  }

  static async start(folder: string): Promise<StandaloneServer> {
    const program = programOn(folder, { gateway: '0', link: '0' });
    const addresses = await startAndWait(folder, program);
    const key = (await readFile(addresses.apiKeyFile, 'utf8')).trim();
    return new StandaloneServer(folder, addresses, new Operator(addresses.gatewayUrl, key), program);
  }

  /** Ends it as a power cut would; the embedded servers go with it. */
  async kill(): Promise<void> {
    await this.#program.kill();
  }

  /** Starts it again on the same data and the same ports. The servers may have other ports than before. */
  async startAgain(): Promise<StandaloneServer> {
    const { gatewayUrl, linkUrl } = this.addresses;
    const program = programOn(this.folder, { gateway: new URL(gatewayUrl).port, link: new URL(linkUrl).port });
    return new StandaloneServer(this.folder, await startAndWait(this.folder, program), this.operator, program);
  }

  async stop(): Promise<void> {
    await this.#program.stop();
  }

  lastWords(): Promise<string> {
    return this.#program.lastWords();
  }
}

function programOn(folder: string, ports: { readonly gateway: string; readonly link: string }): ProgramProcess {
  const own = ['--folder', join(folder, SERVER_FOLDER), '--port', ports.gateway, '--link-port', ports.link];
  return new ProgramProcess({ name: 'standalone', args: [PROGRAM, ...own], folder });
}

async function startAndWait(folder: string, program: ProgramProcess): Promise<StandaloneFile> {
  const file = join(folder, SERVER_FOLDER, 'standalone.json');
  // One that was killed could not take its own away.
  await rm(file, { force: true });
  await program.start();
  const ask = async (): Promise<StandaloneFile | undefined> => {
    if (!program.isRunning) throw new Error(await program.lastWords());
    return readStandaloneFile(file);
  };
  return waitFor('the standalone server', ask, { boundMs: UP_WITHIN_MS });
}
