import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { until } from './until.js';

const portsFile = z.object({ nats: z.array(z.string()).min(1) });

/**
 * A NATS server for one test file: its services answer on the subjects of the real ones, and would answer for those
 * on a server that other tests use, too.
 */
export class NatsProcess {
  private constructor(
    readonly url: string,
    private readonly folder: string,
    private process: ChildProcess,
  ) {}

  static async start(): Promise<NatsProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'landfall-nats-'));
    const process = spawnServer('-1', folder);
    const url = await until('the port of nats-server', async () => {
      const text = await readFile(join(folder, `nats-server_${process.pid}.ports`), 'utf8').catch(() => '');
      return text === '' ? null : (portsFile.parse(JSON.parse(text)).nats[0] ?? null);
    });
    return new NatsProcess(url, folder, process);
  }

  /** Ends the server; {@link resume} starts one at the same address. */
  async pause(): Promise<void> {
    const exited = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await exited;
  }

  resume(): void {
    this.process = spawnServer(new URL(this.url).port, this.folder);
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.pause();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** setpriv replaces itself by the server, and lets it end with a test process that could not end it. */
const spawnServer = (port: string, folder: string): ChildProcess => {
  const server = ['nats-server', '--addr', '127.0.0.1', '--port', port, '--ports_file_dir', folder];
  return spawn('setpriv', ['--pdeathsig', 'KILL', ...server], { stdio: 'ignore' });
};
