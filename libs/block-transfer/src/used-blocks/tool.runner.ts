import { spawn } from 'node:child_process';
import { EndpointFailure, reasonOf } from '../endpoint-failure.js';

/** The end of a tool's output is where it says what went wrong. */
const KEPT_OUTPUT_CHARACTERS = 1500;

/**
 * Runs one of the machine's own tools to its end.
 * Rejects with an EndpointFailure `USED_BLOCKS_UNKNOWN` that holds the end of its output when it fails, cannot be
 * started or takes longer than `timeoutMs`; with the signal's reason when that is aborted.
 */
export async function runTool(
  command: string,
  args: readonly string[],
  options: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<void> {
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
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-KEPT_OUTPUT_CHARACTERS);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const fault = await new Promise<string | null>((resolve) => {
    child.once('error', (error) => resolve(reasonOf(error)));
    child.once('close', (code, signal) => {
      resolve(code === 0 ? null : signal === null ? `ended with code ${code ?? 'none'}` : `was ended by ${signal}`);
    });
  });
  options.signal?.throwIfAborted();
  if (fault === null) return;
  const cause = limit.aborted ? `took longer than ${options.timeoutMs} ms` : fault;
  throw new EndpointFailure('USED_BLOCKS_UNKNOWN', `${command} ${cause}: ${lastLines(output)}`);
}

function lastLines(output: string): string {
  return output
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-5)
    .join(' | ');
}
