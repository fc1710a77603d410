import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const START_LIMIT_MS = 30_000;

/** The event node as a process of its own, to be killed, starved and watched. */
export class NodeProcess {
  readonly port: number;
  readonly startMs: number;
  readonly #child: ChildProcess;
  readonly #output: string[];

  private constructor(child: ChildProcess, output: string[], port: number, startMs: number) {
    this.#child = child;
    this.#output = output;
    this.port = port;
    this.startMs = startMs;
  }

  /** @throws Error with the output of the process when it does not become ready */
  static async start(dataFolder: string, wrapper: readonly string[] = []): Promise<NodeProcess> {
    const portFile = join(dataFolder, '..', `port-${process.pid}-${Math.random().toString(36).slice(2)}`);
    const command = [...wrapper, process.execPath, ...nodeArguments(dataFolder, portFile)];
    const startedMs = performance.now();
    const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
    const output: string[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    while (!existsSync(portFile)) {
      if (child.exitCode !== null || performance.now() - startedMs > START_LIMIT_MS) {
        child.kill('SIGKILL');
        throw new Error(`the event node did not start: ${output.join('')}`);
      }
      await pause(5);
    }
    const port = Number(readFileSync(portFile, 'utf8'));
    rmSync(portFile);
    return new NodeProcess(child, output, port, performance.now() - startedMs);
  }

  get url(): string {
    return `esdb://127.0.0.1:${this.port}?tls=false`;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get output(): string {
    return this.#output.join('');
  }

  /** Resident memory in bytes, now or at most so far. Linux only. */
  memory(which: 'VmRSS' | 'VmHWM'): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(new RegExp(`${which}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
  }

  /** Processor time the process has used, in microseconds. Linux only; a tick is 10 ms. */
  get processorUs(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  }

  /** As a power cut for the process: no handler runs. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }
}

function nodeArguments(dataFolder: string, portFile: string): string[] {
  return [
    '--disable-warning=ExperimentalWarning',
    '--conditions=landfall-source',
    `--import=${new URL('typescript-hooks.mjs', import.meta.url).href}`,
    here('../../../libs/eventstore-node/src/main.ts'),
    '--data',
    dataFolder,
    '--port',
    '0',
    '--port-file',
    portFile,
  ];
}
