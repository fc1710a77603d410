import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const LISTEN_TIMEOUT_MS = 10_000;
const LISTEN_POLL_MS = 2;
const END_TIMEOUT_MS = 10_000;
const KEPT_OUTPUT_CHARACTERS = 4000;
/** GNU time; a shell's own `time` knows nothing of memory. */
const TIME_PROGRAM = '/usr/bin/time';

/** What one command cost, with all the processes that it started and waited for. */
export interface Cost {
  /** From the call to the exit of the process. */
  readonly wallMs: number;
  readonly cpuSeconds: number;
  /** The greatest of its processes. */
  readonly peakRssMib: number;
  readonly stdout: string;
}

let commandNumber = 0;

/**
 * A command under GNU time, which is a small program of its own: what the kernel notes as a child's greatest memory
 * begins with that of the program it was forked from.
 */
export class MeasuredProcess {
  private readonly startedMs = performance.now();
  private readonly costFile: string;
  private readonly child: ChildProcess;
  private readonly ended: Promise<Cost>;
  private output = '';
  private complaints = '';
  private stopped = false;

  constructor(
    folder: string,
    private readonly command: readonly [string, ...string[]],
  ) {
    commandNumber += 1;
    this.costFile = join(folder, `cost-${commandNumber}`);
    this.child = spawn(TIME_PROGRAM, ['-q', '-o', this.costFile, '-f', '%U %S %M', ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString('utf8')));
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.complaints = (this.complaints + chunk.toString('utf8')).slice(-KEPT_OUTPUT_CHARACTERS);
    });
    this.ended = this.untilEnded();
    // Whoever waits for the end is told; nobody has to.
    this.ended.catch(() => undefined);
  }

  /** Rejects when the command fails, unless it was {@link stop}ped. */
  async cost(): Promise<Cost> {
    return this.ended;
  }

  /** Resolves when it listens at this port. */
  async listens(port: number): Promise<void> {
    await untilListening(port, () =>
      this.child.exitCode === null ? null : `${this.command[0]} ended at once: ${this.complaints}`,
    );
  }

  /** Ends a server, whatever its exit code, and gives its cost. */
  async stop(): Promise<Cost> {
    this.stopped = true;
    for (const pid of await this.commandPids()) signal(pid, 'SIGTERM');
    const impatient = setTimeout(() => {
      void this.commandPids().then((pids) => {
        for (const pid of pids) signal(pid, 'SIGKILL');
      });
    }, END_TIMEOUT_MS);
    try {
      return await this.ended;
    } finally {
      clearTimeout(impatient);
    }
  }

  /** GNU time dies of the signal and leaves its child behind, so the child is the one to tell. */
  private async commandPids(): Promise<number[]> {
    const { pid } = this.child;
    if (pid === undefined || this.child.exitCode !== null) return [];
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    return children.trim().split(/\s+/).filter(Boolean).map(Number);
  }

  private async untilEnded(): Promise<Cost> {
    const exit = new Promise<number | null>((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('exit', (code) => resolve(code));
    });
    const closed = new Promise<void>((resolve) =>
      this.child.once('close', () => {
        resolve();
      }),
    );
    const code = await exit;
    const wallMs = performance.now() - this.startedMs;
    await closed;
    if (code !== 0 && !this.stopped) {
      throw new Error(`${this.command.join(' ')} ended with ${String(code)}: ${this.complaints}${this.output}`);
    }
    const [user, system, peakKib] = (await readFile(this.costFile, 'utf8')).trim().split('\n').at(-1)?.split(' ') ?? [];
    await rm(this.costFile, { force: true });
    return {
      wallMs,
      cpuSeconds: Number(user) + Number(system),
      peakRssMib: Number(peakKib) / 1024,
      stdout: this.output,
    };
  }
}

/** Resolves when something listens at this port. Looks at the kernel's list: a `nc` takes whoever connects for its client. */
export async function untilListening(port: number, fault: () => string | null): Promise<void> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const deadline = Date.now() + LISTEN_TIMEOUT_MS; Date.now() < deadline;) {
    const text = fault();
    if (text !== null) throw new Error(text);
    const sockets = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
    if (sockets.some((columns) => columns[1]?.endsWith(wanted) === true && columns[3] === '0A')) return;
    await delay(LISTEN_POLL_MS);
  }
  throw new Error(`nothing listened at port ${port} within ${LISTEN_TIMEOUT_MS} ms`);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}
