import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Runs a tool of the machine and gives what it said. */
export async function tool(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(command, args, {
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  return stdout;
}
