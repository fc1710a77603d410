import { spawn } from 'node:child_process';
import { EndpointFailure, reasonOf } from '../endpoint-failure.js';

/** The end of a tool's output is where it says what went wrong. */
const KEPT_OUTPUT_CHARACTERS = 1500;

/**
 * Runs one of the machine's own tools to its end.
 * Rejects with an EndpointFailure `USED_BLOCKS_UNKNOWN` that holds the end of its output when it fails, cannot be
 * started or takes longer than `timeoutMs`; with the signal's reason when that is aborted.
 */
export async function runTool(command: string, args: readonly string[], options: ToolOptions): Promise<void> {
  const { fault, stdout, stderr } = await runToEnd(command, args, options);
  if (fault === null) return;
  throw new EndpointFailure('USED_BLOCKS_UNKNOWN', `${command} ${fault}: ${lastLines(stdout + stderr)}`);
}

/**
 * The few words that one of the machine's own tools prints, or null when it is not there, fails or complains: for
 * questions that have another answer. Rejects with the signal's reason when that is aborted.
 */
export async function toolOutput(
  command: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<string | null> {
  const { fault, stdout, stderr } = await runToEnd(command, args, options);
  return fault !== null || stderr.trim() !== '' ? null : stdout;
}

/**
 * Hands on each line that a tool prints, as it comes; the map of a badly fragmented file system has many millions.
 * Gives false when the tool is not there, fails or complains, or prints nothing. Rejects, when it did not, with what
 * `onLine` first threw; with the signal's reason when that is aborted.
 */
export async function eachLineOf(
  command: string,
  args: readonly string[],
  options: ToolOptions,
  onLine: (line: string) => void,
): Promise<boolean> {
  let rest = '';
  let lines = 0;
  const errors: unknown[] = [];
  const { fault, stderr } = await runToEnd(command, args, options, (text) => {
    const pieces = (rest + text).split('\n');
    rest = pieces.pop() ?? '';
    lines += pieces.length;
    try {
      if (errors.length === 0) for (const line of pieces) onLine(line);
    } catch (error) {
      errors.push(error);
    }
  });
  if (fault !== null || stderr.trim() !== '' || lines === 0) return false;
  if (errors.length > 0) throw errors[0];
  return true;
}

interface ToolOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Keeps the end of each output. `fault`: null, or why the tool did not succeed. */
async function runToEnd(
  command: string,
  args: readonly string[],
  options: ToolOptions,
  onOutput: (text: string) => void = () => undefined,
): Promise<{ fault: string | null; stdout: string; stderr: string }> {
  options.signal?.throwIfAborted();
  const limit = AbortSignal.timeout(options.timeoutMs);
  const stop = options.signal === undefined ? limit : AbortSignal.any([options.signal, limit]);
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Services often run without the administrator's directories in their path.
    env: { ...process.env, LC_ALL: 'C', PATH: `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin` },
    signal: stop,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const text = chunk.toString('latin1');
    onOutput(text);
    stdout = (stdout + text).slice(-KEPT_OUTPUT_CHARACTERS);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('latin1')).slice(-KEPT_OUTPUT_CHARACTERS);
  });
  const fault = await new Promise<string | null>((resolve) => {
    child.once('error', (error) => resolve(reasonOf(error)));
    child.once('close', (code, signal) => {
      resolve(code === 0 ? null : signal === null ? `ended with code ${code ?? 'none'}` : `was ended by ${signal}`);
    });
  });
  options.signal?.throwIfAborted();
  const late = limit.aborted && fault !== null ? `took longer than ${options.timeoutMs} ms` : fault;
  return { fault: late, stdout, stderr };
}

function lastLines(output: string): string {
  return output
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-5)
    .join(' | ');
}
