import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalStackError } from './local-stack.errors.js';
import { identifyProcess } from './process-identity.js';
import type { StackFolder } from './stack-folder.js';
import { waitFor } from './wait-for.js';

/** Signals that ask a server to end; Debian's setpriv wants them without the prefix. */
type EndSignal = 'SIGINT' | 'SIGTERM';

/** The account a server runs as, when it is not ours. */
export type Account = { readonly uid: number; readonly gid: number };

export type ServerCommand = {
  /** Names the log and pid files. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly account?: Account | undefined;
  readonly endSignal: EndSignal;
  /** Absolute path of setpriv. */
  readonly setpriv: string;
};

export type ServerProcess = {
  readonly pid: number;
  readonly hasExited: () => boolean;
  /** @param react called when the server ends without having been asked to */
  readonly onLost: (react: () => void) => void;
  /** @returns the server's last lines */
  readonly lastLog: () => Promise<string>;
  /** Ends the server: asks first, kills after a bound. Harmless when it has ended already. */
  readonly stop: () => Promise<void>;
};

const STOP_MS = 15_000;
const LAST_LOG_LINES = 12;

/**
 * Starts a server in a session of its own, so that Ctrl-C reaches only us and we end the servers after
 * ourselves. The kernel sends it the end signal when we die, however we die (`PR_SET_PDEATHSIG`); should it
 * survive that, the next run finds it by its pid file.
 *
 * @throws LocalStackError `STACK.START_FAILED` when the program cannot be started at all
 */
export async function startServerProcess(folder: StackFolder, command: ServerCommand): Promise<ServerProcess> {
  const logFile = join(folder.path, `${command.name}.log`);
  const child = spawnServer(command, logFile);
  let isStopping = false;
  let isOver = false;
  const exited = once(child, 'exit').finally(() => {
    isOver = true;
  });
  // A program that cannot be started is told by pidOf.
  exited.catch(() => undefined);
  const pid = await pidOf(child, command);

  const identity = await identifyProcess(pid);
  if (identity !== undefined) await folder.recordServer(command.name, identity);

  const stop = async () => {
    isStopping = true;
    if (!isOver) child.kill(command.endSignal);
    if (!(await waitFor(async () => isOver, STOP_MS))) child.kill('SIGKILL');
    await exited;
    await folder.forgetServer(command.name);
  };
  const onLost = (react: () => void) => {
    void exited.then(() => {
      if (!isStopping) react();
    });
  };
  return { pid, hasExited: () => isOver, onLost, lastLog: () => lastLines(logFile), stop };
}

/** setpriv replaces itself by the server: its process id and its start time are the server's. */
function spawnServer(command: ServerCommand, logFile: string): ChildProcess {
  const { account } = command;
  const accountOptions =
    account === undefined ? [] : [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
  const log = openSync(logFile, 'a', 0o600);
  try {
    return spawn(
      command.setpriv,
      [...accountOptions, '--pdeathsig', command.endSignal.slice('SIG'.length), command.program, ...command.args],
      { stdio: ['ignore', log, log], env: command.env, cwd: '/', detached: true },
    );
  } finally {
    closeSync(log);
  }
}

async function pidOf(child: ChildProcess, command: ServerCommand): Promise<number> {
  if (child.pid !== undefined) return child.pid;
  const cause: unknown[] = await once(child, 'error');
  throw new LocalStackError('STACK.START_FAILED', `${command.name} could not be started`, { cause: cause[0] });
}

async function lastLines(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-LAST_LOG_LINES).join('\n');
}

/**
 * Waits until the server answers.
 *
 * @param isReady one try; must not throw
 * @throws LocalStackError `STACK.START_FAILED` with the last log lines; the server has ended then
 */
export async function untilReady(
  server: ServerProcess,
  name: string,
  isReady: () => Promise<boolean>,
  boundMs: number,
): Promise<void> {
  const isInTime = await waitFor(async () => server.hasExited() || isReady(), boundMs);
  if (isInTime && !server.hasExited()) return;
  await server.stop();
  const what = isInTime ? 'ended while starting' : `did not answer within ${boundMs} ms`;
  throw new LocalStackError('STACK.START_FAILED', `${name} ${what}; its last lines:\n${await server.lastLog()}`);
}
