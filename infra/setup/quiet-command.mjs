/** Runs a command whose output is of interest only when it fails. */
import { spawn } from 'node:child_process';

/** Output kept of one command, in characters; of longer output the end is kept. */
const MAX_OUTPUT_CHARACTERS = 200_000;

/** Children that are running now; they get the signals that we get. */
const running = new Set();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (running.size === 0) process.exit(exitCodeOfSignal(signal));
    for (const child of running) if (shouldForward(signal)) child.kill(signal);
  });
}

/**
 * A terminal sends Ctrl-C to every process of the foreground group, children included: passing it on as well
 * would reach them twice, and a second Ctrl-C means "at once" to many programs.
 */
function shouldForward(signal) {
  return !(signal === 'SIGINT' && process.stdin.isTTY === true);
}

const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** The exit code by which shells tell that a signal ended a program. */
export function exitCodeOfSignal(signal) {
  return 128 + (SIGNAL_NUMBERS[signal] ?? 0);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{cwd: string, env: Record<string, string | undefined>}} options
 * @returns {Promise<{code: number, output: string}>} output: both streams as they came; never rejects
 */
export function runQuietly(command, args, options) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        output = (output + text).slice(-MAX_OUTPUT_CHARACTERS);
      });
    }
    finish(child, (code, problem) => resolve({ code, output: output + problem }));
  });
}

/**
 * As {@link runQuietly}, with our own streams.
 * @returns {Promise<number>} exit code, 128 + number when a signal ended it
 */
export function runInForeground(command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: 'inherit' });
    running.add(child);
    finish(child, (code, problem) => {
      if (problem !== '') console.error(problem);
      resolve(code);
    });
  });
}

function finish(child, done) {
  child.on('error', (error) => {
    running.delete(child);
    done(127, `${error.message}\n`);
  });
  child.on('close', (code, signal) => {
    running.delete(child);
    done(code ?? exitCodeOfSignal(signal), '');
  });
}
