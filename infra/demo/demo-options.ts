import { Command, InvalidArgumentError } from 'commander';

export type DemoOptions = {
  /** The server runs on afterwards, until Ctrl-C. */
  readonly keep: boolean;
  /** Of the source disk. */
  readonly sizeMib: number;
  /** No redrawn lines and no colours, also on a terminal. */
  readonly plain: boolean;
};

const MIN_SIZE_MIB = 256;
const MAX_SIZE_MIB = 64 * 1024;
const DEFAULT_SIZE_MIB = 1024;

/** @param args without the program's name; `--help` and mistakes end the process, with a word on standard error */
export function parseDemoOptions(args: readonly string[]): DemoOptions {
  const command = new Command('demo')
    .description('Moves one machine, the whole way: from a REST call to identical bytes')
    .option('--keep', 'leave the server running afterwards, until Ctrl-C', false)
    .option('--size-mib <number>', 'size of the source disk', parseSizeMib, DEFAULT_SIZE_MIB)
    .option('--plain', 'neither colours nor lines that change in place', false)
    .parse([...args], { from: 'user' });
  return command.opts<DemoOptions>();
}

function parseSizeMib(text: string): number {
  const size = Number(text);
  if (Number.isInteger(size) && size >= MIN_SIZE_MIB && size <= MAX_SIZE_MIB) return size;
  throw new InvalidArgumentError(`A whole number from ${MIN_SIZE_MIB} to ${MAX_SIZE_MIB} is wanted.`);
}
