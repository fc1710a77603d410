import { type Command, CommanderError } from 'commander';
import type { CommandContext } from './command-context.js';
import { EXIT_CODES } from './exit-codes.js';
import { findGateway } from './gateway/connection.js';
import { GatewayClient } from './gateway/gateway-client.js';
import { type GlobalOptions, landfallProgram } from './program.js';
import { showFailure } from './render-failure.js';
import type { Output } from './terminal/output.js';

/** Everything of the outside world that the program touches. */
export type Surroundings = {
  readonly output: Output;
  readonly errors: Output;
  readonly environment: NodeJS.ProcessEnv;
  /** The working folder. */
  readonly folder: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
};

/**
 * @param args the command line, without the program's name
 * @returns the exit code, one of {@link EXIT_CODES}
 */
export async function runProgram(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { output, errors, environment, folder, signal } = surroundings;
  let exitCode: number = EXIT_CODES.done;
  // Also where the command line cannot be parsed, a script that asked for JSON gets JSON.
  const isJson = args.includes('--json');
  const context: CommandContext = {
    output,
    signal,
    isJson: () => isJson,
    gateway: async () => new GatewayClient(await findGateway(program.opts<GlobalOptions>(), environment, folder)),
    endWith: (code) => {
      exitCode = code;
    },
  };
  const program = landfallProgram(context);
  writeTo(program, output, errors);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.usage;
    if (signal.aborted) return EXIT_CODES.interrupted;
    const failure = showFailure(error, errors.paint);
    errors.write(`${isJson ? JSON.stringify(failure.document) : failure.text}\n`);
    return failure.exitCode;
  }
}

function writeTo(command: Command, output: Output, errors: Output): void {
  command.configureOutput({ writeOut: (text) => output.write(text), writeErr: (text) => errors.write(text) });
  for (const child of command.commands) writeTo(child, output, errors);
}
