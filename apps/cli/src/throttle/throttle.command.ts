import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ThrottleSettings, throttleCalendar } from '#libs/contracts';
import { type CommandContext, print } from '../command-context.js';
import { calendarInWords, parsePercent, parseRate, throttleInWords } from './caps-in-words.js';

export type ThrottleOptions = {
  readonly network?: number | null;
  readonly storage?: number | null;
  readonly queueDepth?: number;
  /** A path; false: none. */
  readonly calendar?: string | false;
};

export function addThrottleCommand(program: Command, context: CommandContext): void {
  addCapOptions(
    program
      .command('throttle')
      .description('show or change what a task may take of its source; a round in hand goes on with it')
      .argument('<task>', 'a migration task'),
  )
    .option('--queue-depth <number>', 'reads in flight, over all disks', parseDepth)
    .addOption(new Option('--calendar <file>', 'other caps at certain hours, as JSON: {"timeZone", "windows": [...]}'))
    .addOption(new Option('--no-calendar', 'the same caps at all hours'))
    .action(async (taskId: string, options: ThrottleOptions, command: Command) => {
      const gateway = await context.gateway();
      const { task } = await gateway.migrationTask(taskId);
      const wanted = await throttleFrom(options, task.settings.throttle).catch((error: unknown) => {
        if (error instanceof InvalidArgumentError) command.error(`error: ${error.message}`);
        throw error;
      });
      const throttle =
        wanted === undefined ? task.settings.throttle : (await gateway.setThrottle(taskId, wanted)).settings.throttle;
      print(context, { taskId, throttle }, () =>
        [throttleInWords(throttle, Date.now()), ...calendarInWords(throttle).map((line) => `  ${line}`)].join('\n'),
      );
    });
}

/** Also of an order. */
export function addCapOptions(command: Command): Command {
  return command
    .option('--network <rate>', 'most that the source sends, such as 300Mbps or 20MB/s, or off', parseNetwork)
    .option(
      '--storage <percent>',
      'how much of the time reads may keep a disk busy, such as 30%, or off',
      parseStorage,
    );
}

/** What was not said stays as it is. @returns undefined when nothing was said */
export async function throttleFrom(
  { network, storage, queueDepth, calendar }: ThrottleOptions,
  current: ThrottleSettings,
): Promise<ThrottleSettings | undefined> {
  if ([network, storage, queueDepth, calendar].every((each) => each === undefined)) return undefined;
  return {
    networkBytesPerSecond: network === undefined ? current.networkBytesPerSecond : network,
    storageShare: storage === undefined ? current.storageShare : storage,
    storageQueueDepth: queueDepth ?? current.storageQueueDepth,
    calendar: calendar === undefined ? current.calendar : calendar === false ? null : await readCalendar(calendar),
  };
}

/** @throws InvalidArgumentError */
async function readCalendar(path: string): Promise<ThrottleSettings['calendar']> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new InvalidArgumentError(`The calendar cannot be read: ${error instanceof Error ? error.message : path}`);
  });
  try {
    return throttleCalendar.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError(`${path} is not a calendar: ${reason}`);
  }
}

function parseNetwork(text: string): number | null {
  if (text === 'off') return null;
  const rate = parseRate(text);
  if (rate === undefined)
    throw new InvalidArgumentError('A rate with its unit is wanted, such as 300Mbps or 20MB/s, or off.');
  return rate;
}

function parseStorage(text: string): number | null {
  if (text === 'off') return null;
  const share = parsePercent(text);
  if (share === undefined) throw new InvalidArgumentError('A share above 0 and up to 100% is wanted, or off.');
  return share;
}

function parseDepth(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('A whole number from 1 to 32 is wanted.');
  return Number(text);
}
