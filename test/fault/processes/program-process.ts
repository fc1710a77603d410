import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identityOf } from '../../../infra/demo/machine/process-identity.js';
import { PID_FILE_SUFFIX } from '../../../infra/demo/programs/program.js';

export type ProgramProcessOrder = {
  /** Names its log and its pid file. */
  readonly name: string;
  /** Arguments for Node. */
  readonly args: readonly string[];
  /** Receives both files; `cleanUpRun` of this folder ends a program that outlived its test. */
  readonly folder: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A command that replaces itself by the program, such as one that enters a network. */
  readonly prefix?: readonly string[];
};

const STOP_WITHIN_MS = 20_000;
const LAST_LINES = 25;

/** A Node program as a process of its own, which can be killed and started again. It ends with the test's process. */
export class ProgramProcess {
  #child: ChildProcess | null = null;
  readonly #logFile: string;
  readonly #pidFile: string;

  constructor(private readonly order: ProgramProcessOrder) {
    this.#logFile = join(order.folder, `${order.name}.log`);
    this.#pidFile = join(order.folder, `${order.name}${PID_FILE_SUFFIX}`);
  }

  get name(): string {
    return this.order.name;
  }

  /** @throws Error while it does not run */
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined || !this.isRunning) throw new Error(`${this.name} does not run`);
    return pid;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts it, for the first time or again; returns at once. */
  async start(): Promise<void> {
    if (this.isRunning) throw new Error(`${this.name} runs already`);
    const log = openSync(this.#logFile, 'a');
    const { prefix = [] } = this.order;
    try {
      // setpriv replaces itself by the program, so this is the program's own process.
      this.#child = spawn('setpriv', ['--pdeathsig', 'TERM', ...prefix, process.execPath, ...this.order.args], {
        stdio: ['ignore', log, log],
        detached: true,
        env: { ...process.env, ...this.order.env },
      });
    } finally {
      closeSync(log);
    }
    await once(this.#child, 'spawn');
    await writeFile(this.#pidFile, JSON.stringify(await identityOf(this.pid)));
  }

  /** `kill -9`: no handler runs, nothing is said good-bye to. Returns when the process is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGSTOP: it is there, and does nothing. */
  hold(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  /** Lets a held program go on. */
  release(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Asks it to end, and kills it when it does not within 20 s. Harmless when it does not run. */
  async stop(): Promise<void> {
    const impatient = setTimeout(() => this.#child?.kill('SIGKILL'), STOP_WITHIN_MS);
    await this.#end('SIGTERM').finally(() => clearTimeout(impatient));
  }

  /**
   * Waits until it has ended by itself.
   * @returns its exit code; null when a signal ended it
   */
  async ended(): Promise<number | null> {
    const child = this.#child;
    if (child === null) throw new Error(`${this.name} was never started`);
    if (this.isRunning) await once(child, 'exit');
    await rm(this.#pidFile, { force: true });
    return child.exitCode;
  }

  /** The end of its log, to explain a failure. */
  async lastWords(): Promise<string> {
    const log = await readFile(this.#logFile, 'utf8').catch(() => '');
    return `${this.name}:\n${log.trimEnd().split('\n').slice(-LAST_LINES).join('\n')}`;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    if (this.isRunning) {
      const exited = once(child, 'exit');
      child.kill(signal);
      // A held program ends only once it goes on.
      child.kill('SIGCONT');
      await exited;
    }
    await rm(this.#pidFile, { force: true });
  }
}
