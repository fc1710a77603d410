import { execFile } from 'node:child_process';

/** A command of the operating system ended otherwise than expected. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';

  constructor(
    readonly command: string,
    readonly exitCode: number | null,
    readonly output: string,
  ) {
    super(`${command}: ${exitCode === null ? 'could not be run' : `exit code ${exitCode}`}\n${output}`.trimEnd());
  }
}

export type CommandResult = {
  readonly exitCode: number;
  readonly stdout: string;
  /** Both outputs, for a person to read. */
  readonly output: string;
};

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Runs a program without a shell and with messages in English.
 *
 * @param input text for its standard input
 * @throws CommandFailed when it cannot be started or is ended by a signal; any exit code is a result
 */
export function runCommand(program: string, args: readonly string[], input = ''): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, LC_ALL: 'C' }, maxBuffer: MAX_OUTPUT_BYTES };
    const child = execFile(program, [...args], options, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`;
      const exitCode = error === null ? 0 : error.code;
      if (typeof exitCode === 'number') resolve({ exitCode, stdout, output });
      else reject(new CommandFailed([program, ...args].join(' '), null, `${error?.message ?? ''}\n${output}`));
    });
    // A program that ends without reading its input is told by its exit code.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/**
 * Like {@link runCommand}, where only exit code 0 will do.
 *
 * @returns its standard output
 * @throws CommandFailed otherwise
 */
export async function commandOutput(program: string, args: readonly string[], input = ''): Promise<string> {
  const { exitCode, stdout, output } = await runCommand(program, args, input);
  if (exitCode !== 0) throw new CommandFailed([program, ...args].join(' '), exitCode, output);
  return stdout;
}
