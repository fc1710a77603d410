import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endProcess } from '../machine/end-process.js';
import { identityOf } from '../machine/process-identity.js';

/** A program of the demo could not be started, failed, or ended without having been asked to. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed';
}

export interface RunningProgram {
  readonly logFile: string;
  /** @param react called with the reason when it ends without having been asked to */
  onLost(react: (reason: ProgramFailed) => void): void;
  /** Asks it to end and waits. May be called again. */
  stop(): Promise<void>;
}

export type ProgramOrder = {
  /** Names its log and its pid file, and is what people are told. */
  readonly name: string;
  /** Arguments for Node. */
  readonly args: readonly string[];
  /** Of the run. */
  readonly folder: string;
};

export const PID_FILE_SUFFIX = '.pid.json';
const STOP_GRACE_MS = 30_000;
const LAST_LINES = 15;

/**
 * Starts a Node program in a session of its own, so that Ctrl-C reaches only the demo, which then ends its programs
 * in order. Should the demo itself be killed, the kernel asks the program to end (`PR_SET_PDEATHSIG`).
 *
 * @throws ProgramFailed
 */
export async function startProgram(order: ProgramOrder): Promise<RunningProgram> {
  const logFile = join(order.folder, `${order.name}.log`);
  const pidFile = join(order.folder, `${order.name}${PID_FILE_SUFFIX}`);
  const child = spawnWithParent(order.args, logFile);
  const ended = once(child, 'exit');
  // Told below, or by whoever waits for it.
  ended.catch(() => undefined);
  if (child.pid === undefined) throw new ProgramFailed(`${order.name} could not be started`);
  const identity = await identityOf(child.pid);
  if (identity !== undefined) await writeFile(pidFile, JSON.stringify(identity));
  let isStopping = false;
  return {
    logFile,
    onLost: (react) => {
      void ended.then(async ([code, signal]: unknown[]) => {
        if (!isStopping) react(await lossOf(order.name, String(code ?? signal), logFile));
      });
    },
    stop: async () => {
      isStopping = true;
      if (identity !== undefined) await endProcess(identity, STOP_GRACE_MS);
      await rm(pidFile, { force: true });
    },
  };
}

/**
 * Runs a Node program to its end.
 *
 * @throws ProgramFailed with its last lines, when its exit code is not 0
 */
export async function runProgramToEnd(order: ProgramOrder): Promise<void> {
  const logFile = join(order.folder, `${order.name}.log`);
  const exit: unknown[] = await once(spawnWithParent(order.args, logFile), 'exit');
  const [code, signal] = exit;
  if (code !== 0) throw await lossOf(order.name, String(code ?? signal), logFile);
}

/** setpriv replaces itself by the program: its process id is the program's. */
function spawnWithParent(args: readonly string[], logFile: string): ChildProcess {
  const log = openSync(logFile, 'a', 0o600);
  try {
    return spawn('setpriv', ['--pdeathsig', 'TERM', process.execPath, ...args], {
      stdio: ['ignore', log, log],
      detached: true,
      env: process.env,
    });
  } finally {
    closeSync(log);
  }
}

async function lossOf(name: string, end: string, logFile: string): Promise<ProgramFailed> {
  const log = await readFile(logFile, 'utf8').catch(() => '');
  const lines = log.trimEnd().split('\n').slice(-LAST_LINES).join('\n');
  return new ProgramFailed(`${name} ended (${end}); the last lines of ${logFile}:\n${lines}`);
}
